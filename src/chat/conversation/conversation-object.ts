import { type Caller, type CallerRecord, readCallerRecord } from "../../caller.ts";
import { ApplicationError, toApplicationError } from "../../errors.ts";
import { createLogger, type LogFields, type Logger } from "../../observability/log.ts";
import { logFailure } from "../../observability/log-failure.ts";
import { handOverMetrics } from "../../observability/metrics-hand-over.ts";
import { type Refusal, toRefusal } from "../../refusal.ts";
import { openServices } from "../../services.ts";
import type { MessageInProgress } from "../agent/message-in-progress.ts";
import type { Outcome } from "../stream/turn-event.ts";
import { encode, type StreamFormat, toByteStream, toLines } from "../stream/turn-lines.ts";
import { toUiEvents } from "../stream/ui-stream.ts";
import { finishKeptTurn } from "./finish-kept-turn.ts";
import { holdImages } from "./held-images.ts";
import { forgetTurn, keepTurn, readCaller } from "./kept-turn.ts";
import { prepareTurn, runTurn, type TurnRequest, type TurnServices } from "./run-turn.ts";
import { TurnInProgress } from "./turn-in-progress.ts";

/** How many messages may wait behind the one that is being answered. */
const LONGEST_QUEUE = 5;

/** How long after its time a turn counts as cut off, in milliseconds. */
const GRACE = 15_000;

/** After what time a turn that could not be stored is tried again, in milliseconds. */
const STORE_AGAIN = 30_000;

/** A turn as it is said: in the format that was asked for, or as the lines of `toLines`. */
export interface TurnStream {
  readonly stream: ReadableStream<Uint8Array>;
  /** Undefined for lines, as objects of the release before say every turn. */
  readonly format?: StreamFormat | undefined;
}

/** A turn that has begun, or why it has not. */
export type TurnReply = TurnStream | { readonly refusal: Refusal };

/**
 * One conversation of one user, by whose ids it is named. It runs its turns one after the other, and to their end
 * whether anybody listens or not. What was said is in Postgres; of its own it stores only what a turn has done until Postgres
 * has it, so that neither a restart in the middle nor a database that is away loses any of it.
 */
export class ConversationObject {
  readonly #ctx: DurableObjectState;
  readonly #env: Env;
  /** The turn that runs, and those behind it. */
  readonly #turns: TurnInProgress[] = [];
  #last: Promise<void> = Promise.resolve();
  /** Whether something of a turn of this instance is kept. */
  #hasKept = false;

  constructor(ctx: DurableObjectState, env: Env) {
    this.#ctx = ctx;
    this.#env = env;
  }

  /** Runs a turn as soon as those before it have ended. A message that is being answered is not answered twice. */
  async run(request: TurnRequest): Promise<TurnReply> {
    // Its person cannot have read a question that a turn before it has yet to ask.
    const hasReadAll = this.#turns.every(({ hasAsked }) => hasAsked);
    // A token that was signed out takes nobody's place; a turn that begins at once is refused by its own first query.
    if (this.#turns.length > 0) {
      const refusal = await this.#refusalOf(request);
      if (refusal !== undefined) return { refusal };
    }
    const same = this.#turns.find((other) => other.answers(request.what));
    if (same !== undefined) {
      const reply = await same.reply;
      return "refusal" in reply ? reply : say(same, request.format, true);
    }
    if (this.#turns.length > LONGEST_QUEUE) {
      const message = "Too many messages wait in this conversation; try again when they are answered.";
      return { refusal: toRefusal(new ApplicationError("rate_limited", message, { retryAfter: 5 })) };
    }
    let release: () => void;
    try {
      release = holdImages(imagesOf(request));
    } catch (error) {
      return { refusal: toRefusal(toApplicationError(error)) };
    }
    const reply = Promise.withResolvers<TurnReply>();
    const turn = new TurnInProgress(request.what, reply.promise);
    this.#turns.push(turn);
    this.#last = this.#last.then(() => this.#runNow(request, turn, hasReadAll, reply.resolve).finally(release));
    this.#ctx.waitUntil(this.#last);
    return reply.promise;
  }

  /** Why nothing may be done for the caller of a request; undefined where it may. */
  async #refusalOf(request: TurnRequest): Promise<Refusal | undefined> {
    const { database, log } = openServices(this.#env, (promise) => this.#ctx.waitUntil(promise), fieldsOf(request));
    const origin = { via: "chat", requestId: request.requestId } as const;
    try {
      await database.as(readCallerRecord(request.caller), origin).checkCredential("now");
      return undefined;
    } catch (thrown) {
      const error = toApplicationError(thrown);
      logFailure(log, error);
      return toRefusal(error);
    }
  }

  /**
   * The running turn from its start; undefined while none runs.
   *
   * @param format undefined where the release before asks, which reads lines and nothing around them
   * @param caller undefined where the release before asks
   */
  async watch(
    format?: StreamFormat,
    caller?: CallerRecord,
  ): Promise<TurnStream | ReadableStream<Uint8Array> | undefined> {
    const turns = [...this.#turns];
    for (const turn of turns) {
      if (!(await turn.hasBegun())) continue;
      return format === undefined ? toLines(turn.watch()) : say(turn, format, true);
    }
    // A client that comes back after a restart finds what was done in the conversation.
    if (turns.length === 0) await this.#finishInTurn(caller);
    return undefined;
  }

  /** Stops the running turn and those behind it; what was done and said stays. */
  stop(): void {
    for (const turn of this.#turns) turn.stop();
  }

  /**
   * Stops the running turn, and refuses those behind it, which would begin the conversation anew: it is to be called
   * before the conversation is deleted. What the running turn stores at its beginning is stored when this returns, and
   * nothing is kept of one that has ended.
   *
   * @param caller undefined where the release before asks
   */
  async drop(caller?: CallerRecord): Promise<void> {
    const [running, ...waiting] = this.#turns;
    if (running === undefined) {
      // Where it cannot be stored now, the alarm finds its conversation gone, and forgets it.
      await this.#finishInTurn(caller).catch(() => undefined);
      return;
    }
    running.stop();
    for (const turn of waiting) turn.drop();
    await running.hasBegun();
  }

  /** Stores a turn that is kept. The runtime calls again only a few times, and a database may be away for longer. */
  async alarm(): Promise<void> {
    try {
      await this.#finishInTurn();
    } catch (error) {
      if (toApplicationError(error).kind !== "unavailable") throw error;
      await this.#ctx.storage.setAlarm(Date.now() + STORE_AGAIN);
    }
  }

  #finishInTurn(record?: CallerRecord): Promise<void> {
    const caller = readCaller(record);
    const finished = this.#last.then(async () => {
      await this.#finishKept(caller);
    });
    // The caller hears of a failure; the turns behind it go on.
    this.#last = finished.catch(() => undefined);
    return finished;
  }

  /** Never throws, or the turns behind this one would not run. */
  async #runNow(
    request: TurnRequest,
    turn: TurnInProgress,
    hasReadAll: boolean,
    reply: (reply: TurnReply) => void,
  ): Promise<void> {
    const waitUntil = (promise: Promise<unknown>) => this.#ctx.waitUntil(promise);
    let log = createLogger("info", fieldsOf(request));
    try {
      const opened = openServices(this.#env, waitUntil, fieldsOf(request));
      log = opened.log;
      const caller = readCallerRecord(request.caller);
      const services: TurnServices = {
        ...opened,
        caller,
        database: opened.database.as(caller, { via: "chat", requestId: request.requestId }),
        keep: (...kept) => this.#keep(request, opened, ...kept),
      };
      const kept = await this.#finishKept(caller);
      if (turn.isDropped) throw new ApplicationError("not_found", "The conversation was deleted before its answer.");
      const prepared = await prepareTurn(request, services, hasReadAll && kept === "none");
      turn.begin(prepared.start);
      reply(say(turn, request.format, false));
      if ("told" in prepared) {
        for (const event of prepared.told) turn.add(event);
        return;
      }
      const isSettled = await runTurn(prepared, turn, request, services);
      if (isSettled && this.#hasKept) await this.#forget(log);
    } catch (thrown) {
      const error = toApplicationError(thrown);
      logFailure(log, error);
      reply({ refusal: toRefusal(error) });
    } finally {
      this.#turns.shift();
      turn.end();
      handOverMetrics({ env: this.#env, waitUntil, log });
    }
  }

  async #keep(
    request: TurnRequest,
    { configuration, log }: Pick<TurnServices, "configuration" | "log">,
    message: MessageInProgress,
    outcome?: Outcome,
  ): Promise<void> {
    const cutOffAt = this.#hasKept ? undefined : Date.now() + configuration.AGENT_TOTAL_TIMEOUT * 1000 + GRACE;
    const alarmAt = outcome === undefined ? cutOffAt : Date.now() + STORE_AGAIN;
    try {
      await keepTurn(this.#ctx.storage, request, message, outcome, alarmAt);
      this.#hasKept = true;
    } catch (error) {
      // It is kept for the worst case only: too large a turn runs on without.
      logFailure(log, toApplicationError(error));
    }
  }

  async #forget(log: Logger): Promise<void> {
    try {
      await forgetTurn(this.#ctx.storage);
      this.#hasKept = false;
    } catch (error) {
      logFailure(log, toApplicationError(error));
    }
  }

  /** @throws ApplicationError as `finishKeptTurn` */
  async #finishKept(present: Caller | undefined): ReturnType<typeof finishKeptTurn> {
    const waitUntil = (promise: Promise<unknown>) => this.#ctx.waitUntil(promise);
    const open = (turn: Parameters<typeof fieldsOf>[0]) => openServices(this.#env, waitUntil, fieldsOf(turn));
    const end = await finishKeptTurn(this.#ctx.storage, present, open);
    if (end !== "kept") this.#hasKept = false;
    return end;
  }
}

/** @param isReplay whether who watches has nothing of the message yet */
function say(turn: TurnInProgress, format: StreamFormat | undefined, isReplay: boolean): TurnStream {
  // The next release may ask for a format that this one does not know.
  if (format !== "ui") return { stream: toLines(turn.watch()) };
  return { stream: toByteStream(encode(toUiEvents(turn.watch(), isReplay))), format };
}

function imagesOf({ what }: TurnRequest) {
  return what.type === "message" ? what.images : undefined;
}

function fieldsOf({ requestId, caller }: { requestId: string; caller: { userId: number } }): LogFields {
  return { object: "ChatConversation", request_id: requestId, user_id: caller.userId };
}
