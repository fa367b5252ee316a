import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  PROTOCOL_VERSION_META_KEY,
  SERVER_INFO_META_KEY,
} from "@modelcontextprotocol/server";
import { isObject } from "../../json.ts";
import { RecentValues } from "../../recent-values.ts";
import { decodeArguments } from "../../tools/tool-input.ts";
import { callTool, isKnownTool, listTools } from "../call-tool.ts";
import { isRequestId, type RequestId } from "../json-rpc.ts";
import { TOOLS_CACHE } from "../methods.ts";
import { serverInfo } from "../server-info.ts";

/** The only protocol of the stateless mode so far. */
export const PROTOCOL_VERSION = "2026-07-28";
/** What each request says of itself, which the SDK checks; another key may want something of the answer. */
const ENVELOPE = [PROTOCOL_VERSION_META_KEY, CLIENT_INFO_META_KEY, CLIENT_CAPABILITIES_META_KEY];

const MESSAGE: readonly string[] = ["jsonrpc", "id", "method", "params"];
/** A client says the same of itself each time. */
const knownEnvelopes = new RecentValues<true>(1_000);
const LONGEST_ENVELOPE = 1_000;

/** A call or a list of tools that asks for nothing else. */
export type PlainRequest = {
  readonly id: RequestId;
  /** What the request says of itself, JSON. */
  readonly envelope: string;
} & (
  | { readonly method: "tools/list" }
  | { readonly method: "tools/call"; readonly name: string; readonly input: unknown }
);

/**
 * Reads a request of the 2026-07-28 protocol that can be answered without the SDK, which makes a server for each: its
 * headers say what its body does, and nothing in it but a tool and its arguments makes a difference. Whether it is one
 * of that protocol at all, the SDK decides by its envelope.
 *
 * @param message JSON-RPC
 * @returns undefined for any other, which the SDK answers or refuses
 */
export function readPlainRequest(message: unknown, headers: Headers): PlainRequest | undefined {
  if (!isObject(message) || Object.keys(message).some((key) => !MESSAGE.includes(key))) return undefined;
  const { id, method, params } = message;
  if (headers.get("Mcp-Protocol-Version") !== PROTOCOL_VERSION || headers.get("Mcp-Method") !== method)
    return undefined;
  if (!isRequestId(id) || !isObject(params)) return undefined;
  const { _meta: meta, name, arguments: given, ...others } = params;
  if (!isObject(meta) || meta[PROTOCOL_VERSION_META_KEY] !== PROTOCOL_VERSION) return undefined;
  if (Object.keys(others).length > 0 || Object.keys(meta).some((key) => !ENVELOPE.includes(key))) return undefined;
  const envelope = JSON.stringify(meta);
  if (method === "tools/list") return name === undefined && given === undefined ? { method, id, envelope } : undefined;
  if (method !== "tools/call" || typeof name !== "string" || headers.get("Mcp-Name") !== name) return undefined;
  const input = decodeArguments(given);
  return isKnownTool(name) && isObject(input) ? { method, id, name, input, envelope } : undefined;
}

/** Whether the SDK has accepted the same envelope before: then it need not look at the request at all. */
export function isEnvelopeKnown({ envelope }: PlainRequest): boolean {
  return knownEnvelopes.get(envelope) !== undefined;
}

/** Takes note that the SDK has accepted a request's envelope. */
export function learnEnvelope({ envelope }: PlainRequest): void {
  if (envelope.length <= LONGEST_ENVELOPE) knownEnvelopes.set(envelope, true);
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
      ? { ...listTools(), resultType: "complete", ...TOOLS_CACHE }
      : { ...(await callTool(request.name, request.input, signal)), resultType: "complete" };
  const _meta = { [SERVER_INFO_META_KEY]: { name, version } };
  return Response.json({ result: { ...result, _meta }, jsonrpc: "2.0", id: request.id });
}
