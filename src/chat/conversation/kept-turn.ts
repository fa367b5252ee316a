import * as z from "zod";
import { type Caller, readCallerRecord } from "../../caller.ts";
import { isObject } from "../../json.ts";
import { MessageInProgress } from "../agent/message-in-progress.ts";
import { anyEventSchema, type Outcome, outcomeSchema, toStoredEvents, usageSchema } from "../stream/turn-event.ts";
import type { TurnRequest } from "./run-turn.ts";
import { shortenOutputs } from "./shorten-outputs.ts";

const KEY = "unfinished_turn";

/**
 * How long a turn waits for its person, in milliseconds, where the credential that it ran with no longer counts.
 * After that nobody can tell what became of a message without an answer.
 */
export const KEPT_FOR = 7 * 24 * 60 * 60 * 1000;

/** The next request need not wait until the disk has it: that would cost every turn, for the sake of very few. */
const UNCONFIRMED = { allowUnconfirmed: true };

const keptTurnSchema = z.object({
  caller: z.unknown(),
  conversationId: z.string(),
  requestId: z.string(),
  addressKey: z.string().optional(),
  /** How the turn ended; undefined where a restart has cut it off. */
  outcome: outcomeSchema.optional(),
  /** Until when it waits for its person to come back, in milliseconds since 1970. */
  until: z.number().optional(),
  message: z.object({
    id: z.string(),
    events: z.array(anyEventSchema),
    earlierUsage: usageSchema,
    inputTokens: z.number(),
    outputTokens: z.number(),
  }),
});

type StoredTurn = z.output<typeof keptTurnSchema>;

/** A turn that is not in the database yet: cut off by a restart of the object, or ended while there was no database. */
export interface KeptTurn extends Omit<StoredTurn, "message" | "caller"> {
  /** Undefined for a credential of another release. */
  readonly caller: Caller | undefined;
  readonly message: MessageInProgress;
}

/**
 * Keeps what a turn has done so far, should the object be restarted in the middle of it, by a deploy for example.
 *
 * @param outcome how it ended, where it has
 * @param alarmAt when the object is to look for it; undefined leaves the alarm as it is
 */
export async function keepTurn(
  storage: DurableObjectStorage,
  { caller, conversationId, requestId, addressKey }: TurnRequest,
  message: MessageInProgress,
  outcome: Outcome | undefined,
  alarmAt: number | undefined,
): Promise<void> {
  const kept: z.input<typeof keptTurnSchema> = {
    caller,
    conversationId,
    requestId,
    addressKey,
    outcome,
    message: { ...message.saved, events: toStoredEvents(shortenOutputs(message.saved.events, outcome)) },
  };
  await Promise.all([
    storage.put(KEY, kept, UNCONFIRMED),
    alarmAt === undefined ? undefined : storage.setAlarm(alarmAt, UNCONFIRMED),
  ]);
}

/**
 * The turn that is kept.
 *
 * @returns undefined where none is; "unreadable" where another release has kept it in a form that this one cannot read
 */
export async function readKeptTurn(storage: DurableObjectStorage): Promise<KeptTurn | "unreadable" | undefined> {
  const kept = await storage.get(KEY);
  if (kept === undefined) return undefined;
  const turn = keptTurnSchema.safeParse(kept).data;
  if (turn === undefined) return "unreadable";
  const { id, events, earlierUsage, inputTokens, outputTokens } = turn.message;
  const message = new MessageInProgress(id, events, earlierUsage);
  message.addUsage({ inputTokens, cachedTokens: 0, outputTokens });
  return { ...turn, caller: readCaller(turn.caller), message };
}

/** Has the turn that is kept wait until then, by when the object is to look for it again. */
export async function keepUntil(storage: DurableObjectStorage, until: number): Promise<void> {
  const kept = await storage.get(KEY);
  if (!isObject(kept)) return;
  await Promise.all([storage.put(KEY, { ...kept, until }, UNCONFIRMED), storage.setAlarm(until, UNCONFIRMED)]);
}

/** @returns undefined for a credential of another release; to throw would refuse the caller who comes next */
export function readCaller(record: unknown): Caller | undefined {
  try {
    return readCallerRecord(record);
  } catch {
    return undefined;
  }
}

/** Leaves nothing in the storage. */
export async function forgetTurn(storage: DurableObjectStorage): Promise<void> {
  await Promise.all([storage.deleteAlarm(UNCONFIRMED), storage.deleteAll()]);
}
