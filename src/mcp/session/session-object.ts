import { credentialName, hasExpired, readCallerRecord } from "../../caller.ts";
import { type Configuration, readConfiguration } from "../../config.ts";
import { signedOut } from "../../database/database-error.ts";
import { ApplicationError, toApplicationError } from "../../errors.ts";
import type { LogFields } from "../../observability/log.ts";
import { logFailure } from "../../observability/log-failure.ts";
import { handOverMetrics } from "../../observability/metrics-hand-over.ts";
import { OpenGauge } from "../../observability/open-gauge.ts";
import { openServices, type Services } from "../../services.ts";
import { mayChange } from "../call-tool.ts";
import { exchangeHere, runInExchange } from "../exchange.ts";
import { requestIdsOf, sessionNotFoundResponse } from "../json-rpc.ts";
import { AnswerLog } from "./answer-log.ts";
import { Batch } from "./batch.ts";
import { type CompleteResponse, refusedResponse } from "./complete-response.ts";
import { MessageLog } from "./message-log.ts";
import { Session, type SessionExchange } from "./session.ts";
import {
  deleteSessionRecord,
  readSessionRecord,
  type SessionRecord,
  sessionInUse,
  writeSessionRecord,
} from "./session-record.ts";
import type { Notification, SessionInUse, SessionOpening, SessionRequest, SessionUse } from "./session-request.ts";
import { createSessionServer } from "./session-server.ts";

const HOUR = 60 * 60 * 1000;
/** By how much a session's last use may be recorded late, so that most calls write no record: part of the idle time. */
const USE_PRECISION = 1 / 20;
/** And no more than this, in milliseconds. */
const LATEST_RECORD = 10 * 60 * 1000;

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
  readonly #messages: MessageLog;
  readonly #gauge: OpenGauge;
  /** Where it was opened since the object's memory was lost. */
  #open: Promise<Session> | undefined;
  /** As it is in storage, once that was read. */
  #record: SessionRecord | undefined;
  /** When it was used last; undefined before it is used again after an eviction. */
  #usedAt: number | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    this.#ctx = ctx;
    this.#env = env;
    this.#configuration = readConfiguration(env);
    this.#idleTime = this.#configuration.SESSION_IDLE_HOURS * HOUR;
    this.#messages = new MessageLog(ctx.storage);
    this.#gauge = new OpenGauge("mcp_sessions_open", "McpSession", ctx, env);
    this.#recordedWithin = Math.min(this.#idleTime * USE_PRECISION, LATEST_RECORD);
  }

  /** Opens the session and answers its initialize request. */
  async open({ sessionId, protocolVersion, ...request }: SessionOpening): Promise<Response | CompleteResponse> {
    return this.#answer(request, async (_, exchange) => {
      const { headers, body: initialize, caller } = request;
      const record = { sessionId, protocolVersion, initialize, headers, userId: caller.userId, usedAt: Date.now() };
      const { session, answer } = await this.#connect(record, exchange);
      if (answer.status === 200) {
        this.#keep(record);
        await this.#ctx.storage.setAlarm(this.#expiryOf(record));
        this.#open = Promise.resolve(session);
        this.#usedAt = record.usedAt;
      } else await session.close();
      return answer;
    });
  }

  /** Answers a request of the session: 404 once it is over, 401 where the caller's token is known to be signed out. */
  async handle(request: SessionRequest): Promise<Response | CompleteResponse> {
    return this.#answer(request, async (body, exchange) => {
      const record = this.#readRecord();
      if (record === undefined || record.userId !== request.caller.userId) return sessionNotFoundResponse();
      this.#open ??= this.#connect(record, exchange).then(({ session }) => session);
      const session = await this.#open.catch((error: unknown) => {
        // The next request tries again.
        this.#open = undefined;
        throw error;
      });
      if (this.#signedOut.has(credentialName(exchange.caller.credential))) throw signedOut();
      // Nothing is said to somebody whom no tool would tell it. Of other methods the worker has asked what no tool asks.
      if (request.method === "GET") await exchange.database.checkCredential("now");
      // It may have ended while this waited.
      if (!this.#noteUse()) return sessionNotFoundResponse();
      switch (request.method) {
        case "POST":
          return session.post(request.headers, body, exchange);
        case "GET":
          return runInExchange(exchange, () =>
            session.listen(request.headers, {
              credentialId: credentialName(exchange.caller.credential),
              isStillAllowed: () => this.#stillCounts(exchange),
            }),
          );
        case "DELETE":
          await this.#end();
          return new Response(null, { status: 204 });
      }
    });
  }

  /**
   * Notes that the session is used by a request that the worker answers itself.
   *
   * @returns undefined where it is over, or is not this user's
   */
  use({ userId }: SessionUse): SessionInUse | undefined {
    const record = this.#readRecord();
    if (record?.userId !== userId) return undefined;
    this.#noteUse();
    return sessionInUse(record);
  }

  /**
   * Sends the session's client a notification, now or when it next listens. No loss of the object's memory loses it.
   *
   * @param notification a JSON-RPC notification of MCP, without its `jsonrpc`
   * @returns false where the session is over
   * @throws RangeError for one that is too long to be kept
   */
  async notify(notification: Notification): Promise<boolean> {
    const session = await this.#open;
    if (this.#readRecord() === undefined) return false;
    const json = JSON.stringify({ jsonrpc: "2.0", ...notification });
    // Nobody listens to a session that is not in memory, so there is no need to open it.
    if (session === undefined) this.#messages.add(json);
    else await session.tell(json);
    return true;
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
    work: (body: unknown, exchange: SessionExchange) => Promise<Response | CompleteResponse>,
  ): Promise<Response | CompleteResponse> {
    const { requestId } = request;
    const body: unknown = request.body === "" ? undefined : JSON.parse(request.body);
    return this.#observe({ request_id: requestId, user_id: request.caller.userId }, async ({ log, database }) => {
      try {
        const caller = readCallerRecord(request.caller);
        const record = this.#readRecord();
        const requestIds = requestIdsOf(body);
        const refusals: ApplicationError[] = [];
        const response = await work(body, {
          caller,
          database: database.as(caller, { via: "mcp", client: record && sessionInUse(record).client, requestId }),
          log,
          cursorSettings: this.#configuration,
          requestIds,
          ...(Array.isArray(body) && { batch: new Batch() }),
          keeping: mayChange(body) ? "at once" : "soon",
          onSignedOut: (error) => {
            this.#refuseFromNow(credentialName(caller.credential));
            refusals.push(error);
          },
        });
        // One that has begun as a stream ends as it is; the next request with this token is refused.
        if (response instanceof Response || refusals.length < requestIds.length) return response;
        // Of a batch, one that may have been carried out says more than one that was not.
        const refusal = refusals.find(({ message }) => message !== signedOut().message) ?? refusals[0];
        return refusal === undefined ? response : refusedResponse(refusal);
      } catch (thrown) {
        const error = toApplicationError(thrown);
        logFailure(log, error);
        return refusedResponse(error);
      }
    });
  }

  #refuseFromNow(credentialId: string): void {
    this.#signedOut.add(credentialId);
    // A tool has found it out, so the session is open.
    void this.#open?.then((session) => session.endStreamOf(credentialId));
  }

  /** Whether the credential of a request still counts; throws, and logs, where the database cannot say. */
  async #stillCounts({ caller: { credential }, database, log }: SessionExchange): Promise<boolean> {
    if (this.#signedOut.has(credentialName(credential)) || hasExpired(credential)) return false;
    try {
      await database.checkCredential("lately");
      return true;
    } catch (thrown) {
      const error = toApplicationError(thrown);
      if (error.kind === "unauthenticated") return false;
      logFailure(log, error);
      throw error;
    }
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

  #readRecord(): SessionRecord | undefined {
    this.#record ??= readSessionRecord(this.#ctx.storage);
    return this.#record;
  }

  #keep(record: SessionRecord): void {
    this.#record = record;
    writeSessionRecord(this.#ctx.storage, record);
    this.#gauge.open(this.#expiryOf(record));
  }

  /** Makes the session, or makes it again as it was after the object's memory was lost: then its client has had the answer. */
  #connect({ sessionId, initialize, protocolVersion }: SessionRecord, exchange: SessionExchange) {
    const server = createSessionServer(this.#configuration.BASE_URL);
    const { log } = exchange;
    server.onerror = ({ message }) => {
      // Of the request that brings the error, which is rarely the one that opened the session.
      const own = exchangeHere()?.log ?? log.with({ request_id: undefined });
      // The rest of the message may be what the client has sent.
      own.debug("mcp_session_error", { message: message.split(":", 1).join("") });
    };
    const [answers, messages] = [new AnswerLog(this.#ctx.storage), this.#messages];
    const onUnreadable = (number: number) => log.warn("mcp_message_skipped", { number });
    const settings = { sessionId, initialize, protocolVersion, answers, messages, onUnreadable, server };
    const { batch: _, ...withoutBatch } = exchange;
    const requestIds = requestIdsOf(JSON.parse(initialize));
    return Session.open(settings, { ...withoutBatch, requestIds, keeping: "never" });
  }

  /** @returns false where the session is over */
  #noteUse(): boolean {
    const record = this.#readRecord();
    if (record === undefined) return false;
    // Also where the release before has opened it.
    if (this.#usedAt === undefined) this.#gauge.open(this.#expiryOf(record));
    const usedAt = Date.now();
    this.#usedAt = usedAt;
    if (usedAt - record.usedAt >= this.#recordedWithin) this.#keep({ ...record, usedAt });
    return true;
  }

  #expiryOf({ usedAt }: SessionRecord): number {
    return usedAt + this.#idleTime + this.#recordedWithin;
  }

  async #end(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    // At once: whatever comes while this waits finds it over.
    this.#record = undefined;
    deleteSessionRecord(this.#ctx.storage);
    this.#gauge.close();
    await (await open)?.close();
    await this.#ctx.storage.deleteAlarm();
    await this.#ctx.storage.deleteAll();
  }
}
