import * as z from "zod";
import { clientName } from "../../caller.ts";
import type { SessionInUse } from "./session-request.ts";

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
const sessionsInUse = new WeakMap<SessionRecord, SessionInUse>();

/** What is to be known of a session that goes on. */
export function sessionInUse(record: SessionRecord): SessionInUse {
  const known = sessionsInUse.get(record);
  if (known !== undefined) return known;
  const initialize = initializeSchema.safeParse(JSON.parse(record.initialize));
  const inUse = { client: clientName(initialize.data?.params.clientInfo.name) };
  sessionsInUse.set(record, inUse);
  return inUse;
}
