import { InitializeRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { toCallerRecord } from "../../caller.ts";
import { signedOut } from "../../database/database-error.ts";
import { ApplicationError } from "../../errors.ts";
import { listNames } from "../../excerpt.ts";
import { readAccept } from "../../http/accept.ts";
import type { ApplicationContext } from "../../http/application.ts";
import { countCall } from "../../http/rate-limit.ts";
import { isObject } from "../../json.ts";
import { fromRefusal } from "../../refusal.ts";
import { notAcceptableResponse, usualAccept } from "../accept.ts";
import { jsonRpcErrorResponse, LARGEST_BATCH, requestIdsOf, sessionNotFoundResponse } from "../json-rpc.ts";
import type { CompleteResponse } from "./complete-response.ts";
import { registerSession, unregisterSession } from "./open-sessions.ts";
import { type AddressedSession, answerReading, noteEnd, readingRequestIn } from "./reading-request.ts";
import { negotiateProtocolVersion } from "./session.ts";
import { readSessionId, signSessionId } from "./session-id.ts";
import type { SessionRequest } from "./session-request.ts";

/** What a session's object reads, in this release or the one before. */
const FORWARDED_HEADERS = ["content-type", "mcp-protocol-version", "last-event-id"];
const LARGEST_INITIALIZE = 64 * 1024;

/** Whether a message of the 2025 protocols opens a session. */
export function opensSession(message: unknown): message is Record<string, unknown> {
  return isObject(message) && message.method === "initialize";
}

/** Answers a POST of the 2025 protocols: opens a session, or hands a message to the one it belongs to. */
export async function postToSession(context: ApplicationContext, body: string, message: unknown): Promise<Response> {
  if (!readAccept(context.req.header("Accept")).events) {
    return notAcceptableResponse("text/event-stream", requestIdsOf(message)[0]);
  }
  if (opensSession(message)) return openSession(context, body, message);
  if (Array.isArray(message)) await countBatch(context, message);
  const session = addressedSession(context);
  if (session instanceof Response) return session;
  const reading = readingRequestIn(context, message);
  const answer = reading && (await answerReading(context, reading, session));
  return answer ?? answerOf(session.object().handle(requestFor(context, "POST", body)));
}

/** Hands a request without a body to the session that it belongs to. */
export async function sendToSession(context: ApplicationContext, method: "GET" | "DELETE"): Promise<Response> {
  const session = addressedSession(context);
  if (session instanceof Response) return session;
  if (method === "DELETE") await unregisterSession(context.get("userDatabase"), session.objectId);
  try {
    return await answerOf(session.object().handle(requestFor(context, method, "")));
  } finally {
    if (method === "DELETE") noteEnd(session);
  }
}

/** The session that a request names; a response where it names none, or one that is not its caller's. */
function addressedSession(context: ApplicationContext): AddressedSession | Response {
  const id = context.req.header("Mcp-Session-Id");
  if (id === undefined) {
    const message = "Mcp-Session-Id is missing. Open a session with initialize, or speak protocol 2026-07-28.";
    return jsonRpcErrorResponse(400, "badRequest", message);
  }
  const objectId = readSessionId(id, context.get("caller"), context.get("configuration"));
  if (objectId === undefined) return sessionNotFoundResponse();
  const { MCP_SESSIONS: sessions } = context.env;
  return { id, objectId, object: () => sessions.get(sessions.idFromString(objectId)) };
}

/** Every initialize opens a session of its own, also one that comes with the id of another. */
async function openSession(context: ApplicationContext, body: string, message: unknown): Promise<Response> {
  if (body.length > LARGEST_INITIALIZE) {
    throw new ApplicationError("payload_too_large", `initialize may have ${LARGEST_INITIALIZE} characters at most.`);
  }
  const initialize = InitializeRequestSchema.safeParse(message);
  const [id] = requestIdsOf(message);
  if (id === undefined) {
    return jsonRpcErrorResponse(400, "invalidRequest", "initialize must be a request: give it an id.");
  }
  if (!initialize.success) {
    const fields = listNames(initialize.error.issues.map(({ path }) => path.join(".")));
    return jsonRpcErrorResponse(400, "invalidParams", `initialize does not fit in: ${fields}`, id);
  }
  const objectId = context.env.MCP_SESSIONS.newUniqueId();
  await registerSession(context.get("userDatabase"), context.env.MCP_SESSIONS, objectId.toString());
  let isOpen = false;
  try {
    const response = await answerOf(
      context.env.MCP_SESSIONS.get(objectId).open({
        ...requestFor(context, "POST", body),
        sessionId: signSessionId(objectId.toString(), context.get("caller"), context.get("configuration")),
        protocolVersion: negotiateProtocolVersion(initialize.data.params.protocolVersion),
      }),
    );
    isOpen = response.ok;
    return response;
  } finally {
    // Nobody was told its id, so that nobody could end it.
    if (!isOpen) await unregisterSession(context.get("userDatabase"), objectId.toString());
  }
}

/** A batch counts as many times as it has requests; the first was counted on the way in. */
async function countBatch(context: ApplicationContext, batch: readonly unknown[]): Promise<void> {
  const further = requestIdsOf(batch).slice(1, LARGEST_BATCH);
  await Promise.all(further.map(() => countCall(context)));
}

function requestFor(context: ApplicationContext, method: SessionRequest["method"], body: string): SessionRequest {
  const headers = FORWARDED_HEADERS.flatMap((name) => {
    const value = context.req.header(name);
    return value === undefined ? [] : [[name, value]];
  });
  return {
    method,
    headers: { ...Object.fromEntries(headers), accept: usualAccept(context.req.header("Accept")) },
    body,
    caller: toCallerRecord(context.get("caller")),
    requestId: context.get("requestId"),
  };
}

async function answerOf(answering: Promise<Response | CompleteResponse>): Promise<Response> {
  const response = await answering.catch((error: unknown) => {
    // What the object itself does wrong it answers; this is one that was moved, reset or overloaded.
    throw new ApplicationError("unavailable", "The session cannot be reached; try again in a moment.", {
      retryAfter: 1,
      cause: error,
    });
  });
  const refusal = response instanceof Response ? undefined : response.refusal;
  // The release before says no more than that.
  if (response.status === 401) throw refusal === undefined ? signedOut() : fromRefusal(refusal);
  if (response instanceof Response) return new Response(response.body, response);
  const { status, headers, body } = response;
  // A status such as 202 has no body at all.
  return new Response(body === "" ? null : body, { status, headers });
}
