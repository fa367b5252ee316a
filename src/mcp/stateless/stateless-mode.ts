import { classifyInboundRequest } from "@modelcontextprotocol/server";
import { createMcpHandler } from "agents/mcp/server";
import * as z from "zod";
import type { ApplicationError } from "../../errors.ts";
import { excerpt } from "../../excerpt.ts";
import type { ApplicationContext } from "../../http/application.ts";
import { isObject } from "../../json.ts";
import { decodeArguments } from "../../tools/tool-input.ts";
import { exchangeOf, runInExchange } from "../exchange.ts";
import { jsonRpcErrorResponse } from "../json-rpc.ts";
import {
  answerPlainRequest,
  isEnvelopeKnown,
  learnEnvelope,
  type PlainRequest,
  readPlainRequest,
} from "./plain-request.ts";
import { createStatelessServer } from "./stateless-server.ts";

/** Never requested. The handler would look at the Host again for an address of this machine. */
const ENDPOINT = "https://stateless.invalid/mcp";

/** How many characters an error of the handler's may have, and what is said of one that has more. */
const LONGEST_ERROR = 4_000;
const LONGEST_MESSAGE = 500;

type Handler = ReturnType<typeof createMcpHandler>;

const handlers = new Map<string, Handler>();

/**
 * Answers a message of the 2026-07-28 protocol, which carries all that is needed to answer it: a plain call or list of
 * tools by ourselves, all else by the SDK.
 *
 * @returns undefined for a message of another protocol
 * @throws ApplicationError `unauthenticated` when a tool finds that the token has been signed out
 */
export async function answerStateless(context: ApplicationContext, message: unknown): Promise<Response | undefined> {
  const plain = readPlainRequest(message, context.req.raw.headers);
  // The SDK's test is a twentieth of what a call costs.
  if (plain !== undefined && isEnvelopeKnown(plain)) return answerIn(context, message, plain);
  const route = classifyInboundRequest({ httpMethod: "POST", ...standardHeadersOf(context), body: message });
  if (route.kind === "legacy") return undefined;
  if (plain === undefined || route.kind !== "modern" || route.messageKind !== "request") {
    return answerIn(context, message, undefined);
  }
  learnEnvelope(plain);
  return answerIn(context, message, plain);
}

async function answerIn(
  context: ApplicationContext,
  message: unknown,
  plain: PlainRequest | undefined,
): Promise<Response> {
  let refusal: ApplicationError | undefined;
  const exchange = exchangeOf(context, (error) => {
    refusal = error;
  });
  const { BASE_URL: baseUrl } = context.get("configuration");
  const { headers, signal } = context.req.raw;
  const response = await runInExchange(exchange, () =>
    plain === undefined
      ? handlerFor(baseUrl).fetch(new Request(ENDPOINT, { method: "POST", headers, signal }), {
          parsedBody: withObjectAsArguments(message),
        })
      : answerPlainRequest(plain, baseUrl, signal),
  );
  if (refusal !== undefined) throw refusal;
  return response.ok ? response : withShortError(response);
}

/** The headers that repeat what the body says, for those on the way that do not read bodies. */
function standardHeadersOf(context: ApplicationContext) {
  const version = context.req.header("Mcp-Protocol-Version");
  const method = context.req.header("Mcp-Method");
  const name = context.req.header("Mcp-Name");
  return {
    ...(version !== undefined && { protocolVersionHeader: version }),
    ...(method !== undefined && { mcpMethodHeader: method }),
    ...(name !== undefined && { mcpNameHeader: name }),
  };
}

const errorSchema = z.object({
  error: z.object({ message: z.string() }),
  id: z.union([z.string(), z.number()]).nullable(),
});

/** The SDK names what does not fit in the envelope of a request by its whole path, which is the client's, and twice. */
async function withShortError(response: Response): Promise<Response> {
  const text = await response.text();
  if (text.length <= LONGEST_ERROR) return new Response(text, response);
  const { error, id } = errorSchema.parse(JSON.parse(text));
  return jsonRpcErrorResponse(response.status, "invalidParams", excerpt(error.message, LONGEST_MESSAGE), id);
}

/** The SDK lets in no tool call whose arguments came as text. */
function withObjectAsArguments(message: unknown): unknown {
  if (!isObject(message) || message.method !== "tools/call" || !isObject(message.params)) return message;
  return { ...message, params: { ...message.params, arguments: decodeArguments(message.params.arguments) } };
}

function handlerFor(baseUrl: string): Handler {
  const known = handlers.get(baseUrl);
  if (known !== undefined) return known;
  // Host, Origin and CORS are dealt with before; the other era has a mode of its own.
  const createServer: Parameters<typeof createMcpHandler>[0] = ({ requestInfo }) =>
    // By then the header has been held against the body.
    createStatelessServer(baseUrl, requestInfo?.headers.get("Mcp-Method") ?? undefined);
  const handler = createMcpHandler(createServer, {
    legacy: "reject",
    corsOptions: false,
    allowedOriginHostnames: "*",
  });
  handlers.set(baseUrl, handler);
  return handler;
}
