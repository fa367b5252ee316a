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

const initializeSchema = z.object({ params: z.object({ clientInfo: z.object({ name: z.string() }) }) });

/** How the client named itself when it opened the session. */
export function clientNameOf({ initialize }: SessionRecord): string | undefined {
  return clientName(initializeSchema.safeParse(JSON.parse(initialize)).data?.params.clientInfo.name);
}
