import { LoggingLevelSchema } from "@modelcontextprotocol/sdk/types.js";
import { quoteName } from "../excerpt.ts";
import { isObject } from "../json.ts";
import { decodeArguments } from "../tools/tool-input.ts";
import { callTool, isKnownTool, listTools } from "./call-tool.ts";
import { JsonRpcError } from "./json-rpc.ts";

/** What a method is answered with: one of MCP's results. */
type Result = Record<string, unknown>;

/** A method of MCP: how a request for it is answered. */
export interface Method {
  /** The only mode that has it; undefined where both have. */
  readonly onlyIn?: "session" | "stateless";
  /** For how long clients may keep the answer, in protocols that tell them. */
  readonly cache?: { readonly ttlMs: number; readonly cacheScope: "public" | "private" };
  /**
   * Answers a request in the current exchange.
   *
   * @param params of the request, unchecked
   * @param signal aborted when its client gives the request up
   * @throws JsonRpcError
   */
  readonly answer: (params: Record<string, unknown>, signal: AbortSignal) => Promise<Result> | Result;
}

/** What is the same for everybody, and changes only with a release. */
export const FIVE_MINUTES = { ttlMs: 5 * 60 * 1000, cacheScope: "public" } as const;

/** The list of tools is that of what its caller may do: no cache on the way may hand it to another. */
export const TOOLS_CACHE = { ...FIVE_MINUTES, cacheScope: "private" } as const;

/** Every method that we answer, whichever SDK the request came by; ping and what opens a connection are the SDKs'. */
const methods: Readonly<Record<string, Method>> = {
  "tools/list": { cache: TOOLS_CACHE, answer: listTools },
  "tools/call": { answer: callNamedTool },
  "resources/list": { cache: FIVE_MINUTES, answer: () => ({ resources: [] }) },
  "resources/templates/list": { cache: FIVE_MINUTES, answer: () => ({ resourceTemplates: [] }) },
  "prompts/list": { cache: FIVE_MINUTES, answer: () => ({ prompts: [] }) },
  // A session declares neither, so there these are unknown methods.
  "resources/read": { onlyIn: "stateless", answer: ({ uri }) => refuseUnknown("resource", "uri", uri) },
  "prompts/get": { onlyIn: "stateless", answer: ({ name }) => refuseUnknown("prompt", "name", name) },
  // Deprecated in protocol 2026-07-28.
  "logging/setLevel": { onlyIn: "session", answer: acceptLogLevel },
};

/** The methods of the session mode, by their names. */
export const sessionMethods = methodsOf("session");

/** The methods of the stateless mode, by their names. */
export const statelessMethods = methodsOf("stateless");

function methodsOf(mode: "session" | "stateless"): ReadonlyMap<string, Method> {
  return new Map(Object.entries(methods).filter(([, { onlyIn }]) => onlyIn === undefined || onlyIn === mode));
}

function callNamedTool({ name, arguments: given }: Record<string, unknown>, signal: AbortSignal) {
  const input = decodeArguments(given);
  if (typeof name !== "string") throw new JsonRpcError("invalidParams", "params.name must be the name of a tool");
  if (!isObject(input)) throw new JsonRpcError("invalidParams", "params.arguments must be an object");
  if (!isKnownTool(name)) throw new JsonRpcError("invalidParams", `Unknown tool: ${quoteName(name)}`);
  return callTool(name, input, signal);
}

function refuseUnknown(kind: "resource" | "prompt", field: string, value: unknown): never {
  if (typeof value !== "string") throw new JsonRpcError("invalidParams", `params.${field} must be a string`);
  throw new JsonRpcError("invalidParams", `Unknown ${kind}: ${quoteName(value)}`);
}

/** The client may say what it wants to be told. No log message is sent yet (MCP 2025-11-25, Logging). */
function acceptLogLevel({ level }: Record<string, unknown>) {
  if (LoggingLevelSchema.safeParse(level).success) return {};
  throw new JsonRpcError("invalidParams", `params.level must be one of ${LoggingLevelSchema.options.join(", ")}`);
}
