import * as z from "zod";
import { clientName } from "../../caller.ts";

const KEY = "session";

const recordSchema = z.object({
  sessionId: z.string(),
  userId: z.int(),
  protocolVersion: z.string(),
  /** The client's initialize request, JSON. */
  initialize: z.string(),
  /** Of that request: the release before reads them. */
  headers: z.record(z.string(), z.string()),
  usedAt: z.number(),
});

/** What a session's object needs to go on after its memory was lost, besides the answers and the messages. */
export type SessionRecord = z.output<typeof recordSchema>;

/**
 * Reads the record of a session.
 *
 * @returns undefined where there is no session, or it is over
 * @throws ZodError for a record that this release cannot read
 */
export function readSessionRecord(storage: DurableObjectStorage): SessionRecord | undefined {
  return recordSchema.optional().parse(storage.kv.get(KEY));
}

/** Stores the record of a session. */
export function writeSessionRecord(storage: DurableObjectStorage, record: SessionRecord): void {
  storage.kv.put(KEY, record);
}

/** Deletes the record of a session, which is over from then on. */
export function deleteSessionRecord(storage: DurableObjectStorage): void {
  storage.kv.delete(KEY);
}

const initializeSchema = z.object({ params: z.object({ clientInfo: z.object({ name: z.string() }) }) });

/** Of each record, as every request asks. */
const clientNames = new WeakMap<SessionRecord, { readonly name: string | undefined }>();

/** How the client named itself when it opened the session. */
export function clientNameOf(record: SessionRecord): string | undefined {
  const known = clientNames.get(record);
  if (known !== undefined) return known.name;
  const initialize = initializeSchema.safeParse(JSON.parse(record.initialize));
  const name = clientName(initialize.data?.params.clientInfo.name);
  clientNames.set(record, { name });
  return name;
}
