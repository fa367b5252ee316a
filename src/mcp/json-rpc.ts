import { isObject } from "../json.ts";

/** JSON-RPC 2.0 section 5.1, and what MCP's SDKs add to it for the transport. */
export const jsonRpcErrorCodes = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  badRequest: -32000,
  sessionNotFound: -32001,
} as const;

/** How many messages a batch may have. */
export const LARGEST_BATCH = 100;

/** How long a request's id may be: every answer repeats it, and a session keeps its answers. */
const LONGEST_ID = 256;

export type RequestId = string | number;

// These run several times for each message, where a schema would cost more than all the rest.

export function isRequestId(value: unknown): value is RequestId {
  return typeof value === "string" || typeof value === "number";
}

/** The messages of a body, which is one or a batch. */
export function messagesOf(body: unknown): readonly unknown[] {
  return Array.isArray(body) ? body : [body];
}

/** The ids of the requests in a message or in a batch of them, in order. */
export function requestIdsOf(body: unknown): RequestId[] {
  return messagesOf(body).flatMap((message) =>
    isObject(message) && typeof message.method === "string" && isRequestId(message.id) ? [message.id] : [],
  );
}

/** What is wrong with a body, and the id of the request that it is wrong with. */
interface Fault {
  readonly message: string;
  readonly id: RequestId | null;
}

/**
 * What makes a body no JSON-RPC 2.0 (section 4, as MCP narrows it: params by name, ids that are strings or whole numbers).
 *
 * @returns undefined where nothing does
 */
export function faultOf(body: unknown): Fault | undefined {
  if (Array.isArray(body) && (body.length === 0 || body.length > LARGEST_BATCH)) {
    return { message: `A batch must have 1 to ${LARGEST_BATCH} messages.`, id: null };
  }
  for (const message of messagesOf(body)) {
    const fault = faultOfMessage(message);
    if (fault === undefined) continue;
    const id = isObject(message) && isValidId(message.id) ? message.id : null;
    return { message: fault, id };
  }
  return undefined;
}

function faultOfMessage(message: unknown): string | undefined {
  if (!isObject(message)) return "A message must be an object.";
  const { jsonrpc, id, method, params } = message;
  if (jsonrpc !== "2.0") return 'jsonrpc must be "2.0".';
  if ("id" in message && !isValidId(id)) {
    return `id must be a whole number or a string of at most ${LONGEST_ID} characters.`;
  }
  if ("method" in message) {
    if (typeof method !== "string") return "method must be a string.";
    return params === undefined || isObject(params) ? undefined : "params must be an object, or left out.";
  }
  return "result" in message || "error" in message ? undefined : "A message must have a method, a result or an error.";
}

function isValidId(id: unknown): id is RequestId {
  return (typeof id === "string" && id.length <= LONGEST_ID) || Number.isSafeInteger(id);
}

/** The id of the request that a message answers; undefined for a message that is no answer. */
export function answeredIdOf(message: unknown): RequestId | undefined {
  if (!isObject(message) || !("result" in message || "error" in message)) return undefined;
  return isRequestId(message.id) ? message.id : undefined;
}

/** Thrown where a request is handled, it is the error that the request is answered with, as it stands. */
export class JsonRpcError extends Error {
  /** Where the SDKs look for it. */
  readonly code: number;

  constructor(kind: keyof typeof jsonRpcErrorCodes, message: string) {
    super(message);
    this.code = jsonRpcErrorCodes[kind];
  }
}

/** A JSON-RPC error, which belongs to no request unless its id is given. */
export function jsonRpcError(kind: keyof typeof jsonRpcErrorCodes, message: string, id: RequestId | null = null) {
  return { jsonrpc: "2.0", error: { code: jsonRpcErrorCodes[kind], message }, id };
}

/** An HTTP answer that carries a JSON-RPC error, which belongs to no request unless its id is given. */
export function jsonRpcErrorResponse(
  status: number,
  kind: keyof typeof jsonRpcErrorCodes,
  message: string,
  id: RequestId | null = null,
): Response {
  return Response.json(jsonRpcError(kind, message, id), { status });
}

/** The one answer to a session that is unknown, over, or somebody else's. */
export function sessionNotFoundResponse(): Response {
  return jsonRpcErrorResponse(404, "sessionNotFound", "Session not found. Open a new one with initialize.");
}
