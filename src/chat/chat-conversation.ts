import { DurableObject } from "cloudflare:workers";
import { ApplicationError, type ErrorKind, errorKinds, type FieldError, toApplicationError } from "../errors.ts";
import { openServices } from "../http/application.ts";
import { createLogger, type LogFields } from "../observability/log.ts";
import { logFailure, markLogged } from "../observability/log-failure.ts";
import { handOverMetrics } from "../observability/metrics-hand-over.ts";
import { toLines } from "./event-stream.ts";
import { RunningTurn } from "./running-turn.ts";
import { prepareTurn, runTurn, type TurnRequest } from "./turn.ts";

/** How many messages may wait behind the one that is being answered. */
const LONGEST_QUEUE = 5;

/** An `ApplicationError` on its way out of a Durable Object, which would make a plain `Error` of it. */
export interface Refusal {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly fields: readonly FieldError[];
  readonly retryAfter: number | undefined;
}

/** A turn that has begun, as the lines of `toLines`; or why it has not. */
export type TurnReply = { readonly stream: ReadableStream<Uint8Array> } | { readonly refusal: Refusal };

/**
 * One conversation of one user, by whose ids it is named. It runs its turns one after the other, and to their end
 * whether anybody listens or not. It stores nothing itself: what was said is in Postgres.
 */
export class ChatConversation extends DurableObject<Env> {
  #running: RunningTurn | undefined;
  #waiting = 0;
  #last: Promise<void> = Promise.resolve();

  /** Runs a turn as soon as those before it have ended. */
  async run(request: TurnRequest): Promise<TurnReply> {
    if (this.#waiting >= LONGEST_QUEUE) {
      const message = "Too many messages wait in this conversation; try again when they are answered.";
      return { refusal: toRefusal(new ApplicationError("rate_limited", message, { retryAfter: 5 })) };
    }
    this.#waiting += 1;
    const reply = Promise.withResolvers<TurnReply>();
    this.#last = this.#last.then(async () => {
      this.#waiting -= 1;
      await this.#runNow(request, reply.resolve);
    });
    this.ctx.waitUntil(this.#last);
    return reply.promise;
  }

  /** The running turn from its start, as the lines of `toLines`; undefined while none runs. */
  watch(): ReadableStream<Uint8Array> | undefined {
    return this.#running === undefined ? undefined : toLines(this.#running.watch());
  }

  /** Stops the running turn; what it has done stays. */
  stop(): void {
    this.#running?.stop();
  }

  /** Never throws, or the turns behind this one would not run. */
  async #runNow(request: TurnRequest, reply: (reply: TurnReply) => void): Promise<void> {
    const waitUntil = (promise: Promise<unknown>) => this.ctx.waitUntil(promise);
    let log = createLogger("info", fieldsOf(request));
    try {
      const services = openServices(this.env, waitUntil, fieldsOf(request));
      log = services.log;
      const prepared = await prepareTurn(request, services);
      const running = new RunningTurn(prepared.start);
      this.#running = running;
      reply({ stream: toLines(running.watch()) });
      await runTurn(prepared, running, request, services);
    } catch (thrown) {
      const error = toApplicationError(thrown);
      if (errorKinds[error.kind].owner !== "caller") logFailure(log, error);
      reply({ refusal: toRefusal(error) });
    } finally {
      this.#running = undefined;
      handOverMetrics({ env: this.env, waitUntil, log });
    }
  }
}

function fieldsOf({ requestId, caller }: TurnRequest): LogFields {
  return { object: "ChatConversation", request_id: requestId, user_id: caller.userId };
}

/** The error that a refusal was; the object has logged it: it knows what caused it. */
export function fromRefusal({ kind, message, fields, retryAfter }: Refusal): ApplicationError {
  return markLogged(new ApplicationError(kind, message, { fields, ...(retryAfter !== undefined && { retryAfter }) }));
}

function toRefusal({ kind, message, fields, retryAfter }: ApplicationError): Refusal {
  return { kind, message, fields: [...fields], retryAfter };
}
