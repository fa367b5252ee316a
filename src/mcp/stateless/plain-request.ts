import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  PROTOCOL_VERSION_META_KEY,
  SERVER_INFO_META_KEY,
} from "@modelcontextprotocol/server";
import { isObject } from "../../json.ts";
import { decodeArguments } from "../../tools/tool-input.ts";
import { callTool, isKnownTool, listTools } from "../call-tool.ts";
import type { RequestId } from "../json-rpc.ts";
import { FIVE_MINUTES } from "../methods.ts";
import { serverInfo } from "../server-info.ts";

/** The only protocol of the stateless mode so far. */
const PROTOCOL_VERSION = "2026-07-28";
/** What each request says of itself, and the SDK has checked by then; another key may want something of the answer. */
const ENVELOPE = [PROTOCOL_VERSION_META_KEY, CLIENT_INFO_META_KEY, CLIENT_CAPABILITIES_META_KEY];

/** A call or a list of tools that asks for nothing else. */
type PlainRequest =
  | { readonly method: "tools/list"; readonly id: RequestId }
  | { readonly method: "tools/call"; readonly id: RequestId; readonly name: string; readonly input: unknown };

/**
 * Reads a request of the 2026-07-28 protocol that can be answered without the SDK, which makes a server for each: its
 * headers say what its body does, and nothing in it but a tool and its arguments makes a difference.
 *
 * @param message one that the SDK's classifyInboundRequest has found to be of that protocol
 * @returns undefined for any other, which the SDK answers or refuses
 */
export function readPlainRequest(
  message: { readonly id: RequestId; readonly method: string; readonly params?: unknown },
  headers: Headers,
): PlainRequest | undefined {
  const { id, method, params } = message;
  if (headers.get("Mcp-Protocol-Version") !== PROTOCOL_VERSION || headers.get("Mcp-Method") !== method)
    return undefined;
  if (!isObject(params)) return undefined;
  const { _meta: meta, name, arguments: given, ...others } = params;
  if (!isObject(meta) || meta[PROTOCOL_VERSION_META_KEY] !== PROTOCOL_VERSION) return undefined;
  if (Object.keys(others).length > 0 || Object.keys(meta).some((key) => !ENVELOPE.includes(key))) return undefined;
  if (method === "tools/list") return name === undefined && given === undefined ? { method, id } : undefined;
  if (method !== "tools/call" || typeof name !== "string" || headers.get("Mcp-Name") !== name) return undefined;
  const input = decodeArguments(given);
  return isKnownTool(name) && isObject(input) ? { method, id, name, input } : undefined;
}

/** Answers it, in the current exchange, with what the SDK would answer. */
export async function answerPlainRequest(
  request: PlainRequest,
  baseUrl: string,
  signal: AbortSignal,
): Promise<Response> {
  const { name, version } = serverInfo(baseUrl);
  const result =
    request.method === "tools/list"
      ? { ...listTools(), resultType: "complete", ...FIVE_MINUTES }
      : { ...(await callTool(request.name, request.input, signal)), resultType: "complete" };
  const _meta = { [SERVER_INFO_META_KEY]: { name, version } };
  return Response.json({ result: { ...result, _meta }, jsonrpc: "2.0", id: request.id });
}
