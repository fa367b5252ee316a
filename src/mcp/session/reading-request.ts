import type { McpSession } from "../../durable-objects.ts";
import { readAccept } from "../../http/accept.ts";
import { type ApplicationContext, originOf } from "../../http/application.ts";
import { RecentValues } from "../../recent-values.ts";
import { mayChange } from "../call-tool.ts";
import { exchangeOf, runInExchange } from "../exchange.ts";
import { sessionNotFoundResponse } from "../json-rpc.ts";
import { sessionMethods } from "../methods.ts";
import { answerMethodRequest, type MethodRequest, readMethodRequest } from "./plain-requests.ts";
import { isSpoken } from "./session.ts";
import type { SessionInUse } from "./session-request.ts";

/** For how long, in milliseconds, a session that has been asked is taken to go on. */
const KNOWN_FOR = 10_000;

interface KnownSession extends SessionInUse {
  /** When it was asked, by `Date.now()`. */
  readonly askedAt: number;
}

/** One that has ended: its id never comes again. */
const OVER = "over";
/** One whose object cannot be reached, or runs the release before, which has no such method: handed the request, it says so. */
const UNKNOWN = "unknown";

/**
 * What this isolate knows of sessions, by the ids of their objects, which are those of verified session ids. To ask each time would
 * add a fifth to what a call costs, and wait for an object that may be far away. The price: a session that another isolate has
 * ended answers its own person what only reads for these seconds more.
 */
const knownSessions = new RecentValues<KnownSession | typeof OVER>(1_000);

/** The session that a request belongs to. */
export interface AddressedSession {
  /** As the client knows it. */
  readonly id: string;
  /** Its object's. */
  readonly objectId: string;
  /** A new stub for each call: one that has failed would go on failing. */
  readonly object: () => DurableObjectStub<McpSession>;
}

/**
 * Reads a request that the worker answers without the session's object: a plain one that changes nothing and is for a method that
 * both modes have, from a client that takes JSON. Its answer can be had again by asking again, so it is not kept for one that
 * comes back, and needs no stream.
 *
 * @returns undefined for any other message, which the session's object answers or refuses
 */
export function readingRequestIn(context: ApplicationContext, message: unknown): MethodRequest | undefined {
  const version = context.req.header("Mcp-Protocol-Version");
  if (version !== undefined && !isSpoken(version)) return undefined;
  if (!readAccept(context.req.header("Accept")).json || mayChange(message)) return undefined;
  const request = readMethodRequest(message, sessionMethods);
  return request?.method.onlyIn === undefined ? request : undefined;
}

/**
 * Answers such a request. Where the session was not asked lately, it is asked whether it goes on, which notes that it is used;
 * meanwhile the request is carried out, unless the session was never asked.
 *
 * @returns undefined where the object must answer: it could not say, or the token has been signed out, which it is to know
 */
export async function answerReading(
  context: ApplicationContext,
  request: MethodRequest,
  session: AddressedSession,
): Promise<Response | undefined> {
  const { caller, database } = context.var;
  const known = knownSessions.get(session.objectId);
  if (known === OVER) return sessionNotFoundResponse();
  const isFresh = known !== undefined && Date.now() - known.askedAt < KNOWN_FOR;
  const asking = isFresh ? known : ask(session, caller.userId);
  // The name of its client goes along to the database.
  const first = known ?? (await asking);
  if (first === OVER) return sessionNotFoundResponse();
  if (first === UNKNOWN) return undefined;
  context.set("userDatabase", database.as(caller, originOf(context, "mcp", first.client)));
  let isSignedOut = false;
  const exchange = exchangeOf(context, () => {
    isSignedOut = true;
  });
  const answer = await runInExchange(exchange, () => answerMethodRequest(request, context.req.raw.signal));
  const last = await asking;
  if (last === OVER) return sessionNotFoundResponse();
  if (last === UNKNOWN || isSignedOut) return undefined;
  return Response.json(answer, { headers: { "Mcp-Session-Id": session.id } });
}

/** Takes note that a session has ended. */
export function noteEnd({ objectId }: AddressedSession): void {
  knownSessions.set(objectId, OVER);
}

async function ask(session: AddressedSession, userId: number): Promise<KnownSession | typeof OVER | typeof UNKNOWN> {
  const askedAt = Date.now();
  try {
    const used = await session.object().use({ userId });
    // It may have ended here meanwhile.
    if (used === undefined || knownSessions.get(session.objectId) === OVER) {
      noteEnd(session);
      return OVER;
    }
    const known = { ...used, askedAt };
    knownSessions.set(session.objectId, known);
    return known;
  } catch {
    return UNKNOWN;
  }
}
