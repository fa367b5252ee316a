import { z } from "zod";

/** JSON-RPC 2.0 section 5.1, and what MCP's SDKs add to it for the transport. */
export const jsonRpcErrorCodes = {
  parseError: -32700,
  invalidRequest: -32600,
  invalidParams: -32602,
  internalError: -32603,
  badRequest: -32000,
  sessionNotFound: -32001,
} as const;

export type RequestId = string | number;

const requestSchema = z.object({ id: z.union([z.string(), z.number()]), method: z.string() });
const answerSchema = z.union([
  z.object({ id: z.union([z.string(), z.number()]), result: z.unknown() }),
  z.object({ id: z.union([z.string(), z.number()]), error: z.object({}) }),
]);

/** The ids of the requests in a message or in a batch of them, in order. */
export function requestIdsOf(body: unknown): RequestId[] {
  const messages: unknown[] = Array.isArray(body) ? body : [body];
  return messages.flatMap((message) => {
    const request = requestSchema.safeParse(message);
    return request.success ? [request.data.id] : [];
  });
}

/** The id of the request that a message answers; undefined for a message that is no answer. */
export function answeredIdOf(message: unknown): RequestId | undefined {
  return answerSchema.safeParse(message).data?.id;
}

/** An HTTP answer that carries a JSON-RPC error, which belongs to no request unless its id is given. */
export function jsonRpcErrorResponse(
  status: number,
  kind: keyof typeof jsonRpcErrorCodes,
  message: string,
  id: RequestId | null = null,
): Response {
  return Response.json({ jsonrpc: "2.0", error: { code: jsonRpcErrorCodes[kind], message }, id }, { status });
}

/** The one answer to a session that is unknown, over, or somebody else's. */
export function sessionNotFoundResponse(): Response {
  return jsonRpcErrorResponse(404, "sessionNotFound", "Session not found. Open a new one with initialize.");
}
