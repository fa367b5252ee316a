import { sql } from "drizzle-orm";
import type { BatchResponse } from "drizzle-orm/batch";
import type { NeonHttpDatabase } from "drizzle-orm/neon-http";
import * as z from "zod";
import { type Caller, credentialName, type Origin } from "../caller.ts";
import { ApplicationError } from "../errors.ts";
import { attemptCall, type CallEnd, type CallKind, type CallLimits } from "./call-attempts.ts";
import { mayBeUntold, signedOut, toDatabaseError, toUnreadOutcome } from "./database-error.ts";
import type { KnownCredentials } from "./known-credentials.ts";
import { idempotencyKeys } from "./schema.ts";
import { TransportError } from "./sql-over-http.ts";
import { defineStatement, type QueryBuilder, type Value } from "./statement.ts";
import type { UntoldCalls } from "./untold-calls.ts";
import {
  type CallIdentity,
  type CallSetting,
  KeyInUse,
  type Queries,
  type ReadCall,
  type ReadOptions,
  type SightOptions,
  type TaskCall,
  type UserDatabase,
} from "./user-database.ts";

/** What all requests of an isolate to one database share. */
export interface Connection extends CallLimits {
  /** How long one HTTP request may take, in milliseconds. */
  readonly requestTime: number;
  readonly client: NeonHttpDatabase;
  readonly credentials: KnownCredentials;
  readonly untold: UntoldCalls;
}

/** Runs a request and tells who observes it; `isBounded` where it has a limit of time of its own. */
type Observed = <Result>(
  running: PromiseLike<Result>,
  queries: readonly unknown[],
  isBounded: boolean,
) => Promise<Result>;

/** What a call has come to. */
interface Answer<Results> {
  readonly setting: CallSetting;
  readonly results: Results;
  /** Undefined where it only read. */
  readonly ended: z.output<typeof endedSchema> | undefined;
}

/** What `set_caller` is told of a call that writes. */
interface WriteRecord {
  readonly key: string;
  readonly tool: string;
  readonly input_hash?: string;
  readonly note?: string | undefined;
  readonly claim?: number | undefined;
  readonly overrides?: Readonly<Record<string, number>> | undefined;
  /** Whether the key is kept also where no task changes. */
  readonly is_kept: boolean;
}

const statementTimeout = sql`extract(epoch from current_setting('statement_timeout')::interval) * 1000`;
/**
 * Says whose rows the statements after it see, and refuses a credential that no longer counts. Of the time that
 * set_caller leaves them they get no more than `longest_statement`. They wait for a lock a little less than that, so
 * that one which a lock holds up fails with 55P03, and 57014 tells of one that is slow itself.
 */
const callerSet = sql`set_caller(call) as setting,
    set_config('statement_timeout', least((call ->> 'longest_statement')::integer, ${statementTimeout})::integer::text, true),
    set_config('lock_timeout', (${statementTimeout} * 0.9)::integer::text, true)`;
const setCaller = defineStatement((query, value: Value<"call">) =>
  query.execute(sql`select ${callerSet} from (values (${value("call")}::jsonb)) as given (call)`),
);
/** As well it refuses the call where a task has another version than `versions` says. */
const setCallerAndVersions = defineStatement((query, value: Value<"call">) =>
  query.execute(
    sql`select ${callerSet}, require_task_versions(call -> 'versions') from (values (${value("call")}::jsonb)) as given (call)`,
  ),
);
const endCall = defineStatement((query) => query.execute(sql`select end_call() as ended`));
/** How much of the time of one HTTP request a query that reads may take: it ends before nobody waits for it any more. */
const READING_PART = 0.9;

/** For a call that needs no more than what set_caller checks. */
const selectNothing = defineStatement((query) => query.execute(sql`select`));

const selectKey = defineStatement((query, value: Value<"userId" | "key">) =>
  query
    .select({
      tool: idempotencyKeys.tool,
      inputHash: idempotencyKeys.inputHash,
      change: idempotencyKeys.change,
      outcome: idempotencyKeys.outcome,
      refused: idempotencyKeys.refused,
      createdAt: idempotencyKeys.createdAt,
    })
    .from(idempotencyKeys)
    .where(sql`${idempotencyKeys.userId} = ${value("userId")} and ${idempotencyKeys.key} = ${value("key")}`),
);

const settingSchema = z
  .object({
    rows: z.tuple([
      z.object({
        setting: z.object({ now: z.string(), time_zone: z.string(), last_change: z.int(), log_baseline: z.int() }),
      }),
    ]),
  })
  .transform(({ rows: [{ setting }] }) => ({
    now: new Date(setting.now),
    timeZone: setting.time_zone,
    lastChange: setting.last_change,
    logBaseline: setting.log_baseline,
  }));
/** The release before keeps none. */
const refusedSchema = z
  .array(z.unknown())
  .nullish()
  .transform((refused) => refused ?? []);
const endedSchema = z
  .object({
    rows: z.tuple([
      z.object({
        ended: z.object({ change: z.int().nullable(), outcome: z.array(z.unknown()), refused: refusedSchema }),
      }),
    ]),
  })
  .transform(({ rows: [{ ended }] }) => ({ ...ended, change: ended.change ?? undefined }));

/** The database as a caller's. */
export function bindDatabase(
  connection: Connection,
  caller: Caller,
  origin: Origin,
  observe: Observed,
  signal?: AbortSignal,
): UserDatabase {
  const { client, credentials, untold, ...limits } = connection;
  const { userId, credential } = caller;
  const known = credentialName(credential);
  const { via, client: clientName, requestId } = origin;
  const { clock } = limits;
  const longestRead = limits.requestTime * READING_PART;

  async function call<const Asked extends Queries>(
    build: (query: QueryBuilder) => Asked,
    kind: CallKind & ReadOptions & SightOptions,
    write?: WriteRecord,
    deadline = clock.deadlineAfter(limits.callTime),
    { versions, occurrences }: Pick<CallIdentity, "versions" | "occurrences"> = {},
  ): Promise<CallEnd<Answer<BatchResponse<Asked>>>> {
    const record = JSON.stringify({
      user_id: userId,
      credential: {
        kind: credential.kind,
        id: credential.id,
        token_id: credential.tokenId,
        issued_at: credential.issuedAt,
        ...credential.identity,
      },
      origin: { via, client: clientName, request_id: requestId },
      deadline,
      write,
      sees_deleted: kind.seesDeleted,
      versions: versions && Object.fromEntries(versions),
      occurrences,
      longest_statement: kind.isRead
        ? Math.floor(Math.min(kind.bound?.milliseconds ?? longestRead, longestRead))
        : undefined,
    });
    const queries = build(client);
    const begin = versions === undefined ? setCaller : setCallerAndVersions;
    const batch: [Queries[number], ...Asked] = [begin({ call: record }), ...queries];
    if (write !== undefined) batch.push(endCall({}));
    const isBounded = kind.bound !== undefined;
    const attempt = async (sentAt: number) => {
      const answer = await observe(client.batch(batch), queries, isBounded);
      if (answer.length !== batch.length) throw new TransportError("an answer of another length", { mayBeDone: true });
      // Behind the results there is that of end_call, where the call writes.
      const [first, ...results] = answer;
      const setting = readAnswer(settingSchema, first);
      clock.learn(setting.now, sentAt);
      return { setting, results, ended: write && readAnswer(endedSchema, answer.at(-1)) };
    };
    const askedAt = Date.now();
    try {
      const end = await attemptCall(attempt, limits, { signal, ...kind, advice: kind.bound?.advice });
      credentials.learn(known, true, askedAt);
      return end;
    } catch (thrown) {
      const error = toDatabaseError(thrown);
      if (error.kind === "unauthenticated") credentials.learn(known, false);
      throw error;
    }
  }

  async function read<const Asked extends Queries>(
    build: (query: QueryBuilder) => Asked,
    options: ReadOptions & SightOptions & Pick<CallKind, "signal"> = {},
  ): Promise<ReadCall<BatchResponse<Asked>>> {
    const end = await call(build, { ...options, isRead: true, isKeyed: false });
    if (!("result" in end)) throw new Error("what only reads is never carried out before");
    const { setting, results } = end.result;
    return { ...setting, results };
  }

  async function changeTasks<const Asked extends Queries>(
    { tool, key: callersKey, inputHash, note, versions, claim, overrides, occurrences }: CallIdentity,
    build: (query: QueryBuilder) => Asked,
    sight: SightOptions,
    from: Date,
    deadline: string,
  ): Promise<TaskCall<BatchResponse<Asked>>> {
    const isKeyed = callersKey !== undefined;
    const key = isKeyed ? `caller:${callersKey}` : ownKey();
    const record = {
      ...{ key, tool, input_hash: inputHash, note, is_kept: false, claim },
      overrides: overrides && Object.fromEntries(overrides),
    };
    const end = await call(build, { isRead: false, isKeyed, ...sight }, record, deadline, { versions, occurrences });
    if ("result" in end) {
      const { setting, results, ended } = end.result;
      const { change, outcome = [], refused = [] } = ended ?? {};
      return { ...setting, results, change, outcome, refused, isReplay: false, isFirstTold: true };
    }
    // It was carried out: what it did is still to be told, although it was given up.
    const reading = read(() => [selectKey({ userId, key })], { signal: undefined });
    const { results, ...setting } = await reading.catch((error: unknown) => {
      throw toUnreadOutcome(error, { isKeyed });
    });
    const [[earlier]] = results;
    if (earlier === undefined)
      throw new ApplicationError("conflict", "The idempotency_key has just expired; use a new one.");
    // The release before keeps no hash.
    const isSame = earlier.tool === tool && (earlier.inputHash === null || earlier.inputHash === inputHash);
    const outcome = z.array(z.unknown()).parse(earlier.outcome);
    if (!isSame) throw new KeyInUse(earlier.tool, outcome, setting.timeZone);
    // What this call has done itself, by an attempt whose answer was lost, is no replay.
    const isReplay = !(end.mayBeOwn && earlier.createdAt >= from);
    const isFirstTold = !isReplay || untold.take(userId, callersKey ?? key, earlier.createdAt);
    const refused = refusedSchema.parse(earlier.refused);
    const { change } = earlier;
    return { ...setting, results: undefined, change: change ?? undefined, outcome, refused, isReplay, isFirstTold };
  }

  return {
    userId,
    until: (end) => bindDatabase(connection, caller, origin, observe, end),
    read,

    async checkCredential(since) {
      const counts = since === "lately" ? credentials.counts(userId, known) : undefined;
      if (counts === false) throw signedOut();
      if (counts === undefined) await read(() => [selectNothing({})]);
    },

    async write(name, build, { ends } = {}) {
      const end = await call(build, { isRead: false, isKeyed: false }, { key: ownKey(), tool: name, is_kept: true });
      const isOver = ends !== "sign-ins" || credential.kind === "sign_in" || credential.kind === "site";
      if (ends !== undefined && isOver) credentials.learn(known, false);
      if (ends === "sign-ins" || ends === "all credentials") credentials.endAll(userId);
      return { results: "result" in end ? end.result.results : undefined };
    },

    async changeTasks(identity, build, sight = {}) {
      const { key } = identity;
      const from = clock.earliestNow();
      const deadline = clock.deadlineAfter(limits.callTime);
      try {
        return await changeTasks(identity, build, sight, from, deadline);
      } catch (error) {
        if (key !== undefined && mayBeUntold(error)) untold.add(userId, key, { from, until: new Date(deadline) });
        throw error;
      }
    },
  };
}

/** A key that nobody else can know. */
function ownKey(): string {
  return `server:${crypto.randomUUID()}`;
}

/** @throws TransportError where it is not what our own functions answer */
function readAnswer<Schema extends z.ZodType>(schema: Schema, result: unknown): z.output<Schema> {
  const answer = schema.safeParse(result);
  if (answer.success) return answer.data;
  throw new TransportError("an answer of another shape", { mayBeDone: true, cause: answer.error });
}
