import * as z from "zod";
import { type CallerRecord, clientName, readCallerRecord } from "../caller.ts";
import { type Configuration, readConfiguration } from "../config.ts";
import { ApplicationError, errorKinds } from "../errors.ts";
import type { LogFields, Logger } from "../observability/log.ts";
import { logFailure } from "../observability/log-failure.ts";
import { metrics } from "../observability/metrics.ts";
import { handOverMetrics } from "../observability/metrics-hand-over.ts";
import { openServices, type Services } from "../services.ts";
import { type CompleteResponse, completely } from "./answer-stream.ts";
import { Batch } from "./batch.ts";
import { mayChange } from "./call-tool.ts";
import { EventLog } from "./event-log.ts";
import type { Exchange } from "./exchange.ts";
import { jsonRpcErrorResponse, requestIdsOf, sessionNotFoundResponse } from "./json-rpc.ts";
import { Session } from "./session.ts";
import { createSessionServer } from "./session-server.ts";

/** A request of a session, as the worker has let it in. */
export interface SessionRequest {
  readonly method: "GET" | "POST" | "DELETE";
  /** Those that the transport reads, by their names in small letters. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON; empty unless it is a POST. */
  readonly body: string;
  /** Whom this request is from, whoever opened the session. */
  readonly caller: CallerRecord;
  readonly requestId: string;
}

/** What a client must do to open a session. */
export interface SessionOpening extends SessionRequest {
  readonly sessionId: string;
  readonly protocolVersion: string;
}

const RECORD = "session";
const HOUR = 60 * 60 * 1000;
/** By how much a session's last use may be recorded late, so that most calls write no record: part of the idle time. */
const USE_PRECISION = 1 / 20;
/** And no more than this, in milliseconds. */
const LATEST_RECORD = 10 * 60 * 1000;

/** All that outlives the object's memory, besides the events. */
const recordSchema = z.object({
  sessionId: z.string(),
  userId: z.int(),
  protocolVersion: z.string(),
  /** The client's initialize request, JSON. */
  initialize: z.string(),
  /** Of that request. */
  headers: z.record(z.string(), z.string()),
  usedAt: z.number(),
});

type SessionRecord = z.output<typeof recordSchema>;

interface OpenSession {
  readonly session: Session;
  record: SessionRecord;
}

/**
 * One session of the 2025 protocols. The worker has verified the session id before it comes here; the object only
 * makes sure once more that it is its owner's.
 */
export class SessionObject {
  readonly #ctx: DurableObjectState;
  readonly #env: Env;
  readonly #configuration: Configuration;
  readonly #idleTime: number;
  readonly #recordedWithin: number;
  /** Tokens that a tool has found to be signed out: what the database alone can know is remembered here. */
  readonly #signedOut = new Set<string>();
  #open: Promise<OpenSession | undefined> | undefined;
  /** When it was used last; undefined before it is used again after an eviction. */
  #usedAt: number | undefined;
  #client: { readonly name: string | undefined } | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    this.#ctx = ctx;
    this.#env = env;
    this.#configuration = readConfiguration(env);
    this.#idleTime = this.#configuration.SESSION_IDLE_HOURS * HOUR;
    this.#recordedWithin = Math.min(this.#idleTime * USE_PRECISION, LATEST_RECORD);
  }

  /** Opens the session and answers its initialize request. */
  async open({ sessionId, protocolVersion, ...request }: SessionOpening): Promise<Response | CompleteResponse> {
    return this.#answer(request, async (_, exchange) => {
      const { headers, body: initialize, caller } = request;
      const record = { sessionId, protocolVersion, initialize, headers, userId: caller.userId, usedAt: Date.now() };
      const events = new EventLog(this.#ctx.storage);
      const { session, answer } = await this.#connect(record, events, exchange);
      if (answer.ok) {
        this.#ctx.storage.kv.put(RECORD, record);
        await this.#ctx.storage.setAlarm(this.#expiryOf(record));
        metrics.change("mcp_sessions_open", {}, 1);
        this.#open = Promise.resolve({ session, record });
        this.#usedAt = record.usedAt;
      } else await session.close();
      return completely(answer);
    });
  }

  /** Answers a request of the session: 404 once it is over, 401 where the caller's token is known to be signed out. */
  async handle(request: SessionRequest): Promise<Response | CompleteResponse> {
    return this.#answer(request, async (body, exchange) => {
      this.#open ??= this.#reopen(exchange);
      const open = await this.#open.catch((error: unknown) => {
        // The next request tries again.
        this.#open = undefined;
        throw error;
      });
      if (open === undefined || open.record.userId !== request.caller.userId) return sessionNotFoundResponse();
      if (this.#signedOut.has(exchange.caller.credential.id)) return new Response(null, { status: 401 });
      // Nothing is said to somebody whom no tool would tell it. Of other methods the worker has asked what no tool asks.
      if (request.method === "GET") await exchange.database.checkCredential("now");
      this.#use(open);
      switch (request.method) {
        case "POST":
          return open.session.post(request.headers, body, exchange);
        case "GET":
          return open.session.listen(request.headers);
        case "DELETE":
          await this.#end();
          return new Response(null, { status: 204 });
      }
    });
  }

  /** Ends the session where it was not used for so many milliseconds; says whether it has ended, now or before. */
  async endIfIdle(milliseconds: number): Promise<boolean> {
    return this.#observe({}, async () => {
      const record = this.#readRecord();
      if (record === undefined) return true;
      const usedAt = this.#usedAt ?? record.usedAt + this.#recordedWithin;
      if (Date.now() - usedAt < milliseconds) return false;
      await this.#end();
      return true;
    });
  }

  /** Ends the session once it has been idle for long enough, and leaves nothing behind. */
  async alarm(): Promise<void> {
    await this.#observe({}, async ({ log }) => {
      try {
        const record = this.#readRecord();
        const expiry = record === undefined ? 0 : this.#expiryOf(record);
        if (expiry > Date.now()) await this.#ctx.storage.setAlarm(expiry);
        else await this.#end();
      } catch (error) {
        logFailure(log, new ApplicationError("internal", "The session's alarm failed.", { cause: error }));
        // So that it is rung again.
        throw error;
      }
    });
  }

  async #answer(
    request: SessionRequest,
    work: (body: unknown, exchange: Exchange) => Promise<Response | CompleteResponse>,
  ): Promise<Response | CompleteResponse> {
    const { requestId } = request;
    const body: unknown = request.body === "" ? undefined : JSON.parse(request.body);
    return this.#observe({ request_id: requestId, user_id: request.caller.userId }, async ({ log, database }) => {
      try {
        const caller = readCallerRecord(request.caller);
        const requestIds = requestIdsOf(body);
        let refusals = 0;
        const response = await work(body, {
          caller,
          database: database.as(caller, { via: "mcp", client: this.#clientName(), requestId }),
          log,
          requestIds,
          ...(Array.isArray(body) && { batch: new Batch() }),
          keepsAnswers: mayChange(body) ? "at once" : "soon",
          onSignedOut: () => {
            this.#signedOut.add(caller.credential.id);
            refusals += 1;
          },
        });
        // One that has begun as a stream ends as it is; the next request with this token is refused.
        const isRefused = refusals > 0 && refusals === requestIds.length && !(response instanceof Response);
        return isRefused ? new Response(null, { status: 401 }) : response;
      } catch (error) {
        // Over the border of a Durable Object an error would lose its class and its cause.
        return this.#refuse(error, log);
      }
    });
  }

  #refuse(error: unknown, log: Logger): Response {
    const isKnown = error instanceof ApplicationError;
    if (isKnown && error.kind === "unauthenticated") return new Response(null, { status: 401 });
    logFailure(log, isKnown ? error : new ApplicationError("internal", "The session failed.", { cause: error }));
    return isKnown
      ? jsonRpcErrorResponse(errorKinds[error.kind].status, "internalError", error.message)
      : jsonRpcErrorResponse(500, "internalError", "Something went wrong on our side.");
  }

  /** Does work with services of its own, and has handed over what it counted. */
  async #observe<Result>(fields: LogFields, work: (services: Services) => Promise<Result>): Promise<Result> {
    const waitUntil = (promise: Promise<unknown>) => this.#ctx.waitUntil(promise);
    const services = openServices(this.#env, waitUntil, { object: "McpSession", ...fields });
    try {
      return await work(services);
    } finally {
      handOverMetrics({ env: this.#env, waitUntil, log: services.log });
    }
  }

  /** Makes the session again as it was, after the object's memory was lost. */
  async #reopen(exchange: Exchange): Promise<OpenSession | undefined> {
    const record = this.#readRecord();
    if (record === undefined) return undefined;
    const { session, answer } = await this.#connect(record, new EventLog(this.#ctx.storage), exchange);
    // The client has had this answer; it only has to be over.
    await answer.text();
    return { session, record };
  }

  #connect(record: SessionRecord, events: EventLog, exchange: Exchange) {
    const server = createSessionServer(this.#configuration.BASE_URL);
    const { log } = exchange;
    // The rest of the message may be what the client has sent.
    server.onerror = ({ message }) => log.debug("mcp_session_error", { message: message.split(":", 1).join("") });
    return Session.open(
      { sessionId: record.sessionId, initialize: record.initialize, events, server },
      record.protocolVersion,
      record.headers,
      { ...exchange, requestIds: requestIdsOf(JSON.parse(record.initialize)), keepsAnswers: "never" },
    );
  }

  /** How the client has named itself when it opened the session; undefined until it is open. */
  #clientName(): string | undefined {
    if (this.#client === undefined) {
      const record = this.#readRecord();
      this.#client = record && { name: clientNameIn(record.initialize) };
    }
    return this.#client?.name;
  }

  #readRecord(): SessionRecord | undefined {
    return recordSchema.optional().parse(this.#ctx.storage.kv.get(RECORD));
  }

  #use(open: OpenSession): void {
    const usedAt = Date.now();
    this.#usedAt = usedAt;
    if (usedAt - open.record.usedAt < this.#recordedWithin) return;
    open.record = { ...open.record, usedAt };
    this.#ctx.storage.kv.put(RECORD, open.record);
  }

  #expiryOf({ usedAt }: SessionRecord): number {
    return usedAt + this.#idleTime + this.#recordedWithin;
  }

  async #end(): Promise<void> {
    const open = await this.#open;
    if (this.#readRecord() !== undefined) metrics.change("mcp_sessions_open", {}, -1);
    this.#open = undefined;
    await open?.session.close();
    await this.#ctx.storage.deleteAlarm();
    await this.#ctx.storage.deleteAll();
  }
}

const initializeSchema = z.object({ params: z.object({ clientInfo: z.object({ name: z.string() }) }) });

/** @param initialize the client's initialize request, JSON */
function clientNameIn(initialize: string): string | undefined {
  return clientName(initializeSchema.safeParse(JSON.parse(initialize)).data?.params.clientInfo.name);
}
