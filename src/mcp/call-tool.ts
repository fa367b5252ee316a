import * as z from "zod";
import { type Caller, insufficientScope, isAllowed } from "../caller.ts";
import { errorKinds, toApplicationError } from "../errors.ts";
import { isObject } from "../json.ts";
import { logFailure } from "../observability/log-failure.ts";
import { describeCatalog, toolCalled, toolNamed } from "../tools/catalog.ts";
import { runTool } from "../tools/run-tool.ts";
import { decodeArguments } from "../tools/tool-input.ts";
import { currentExchange } from "./exchange.ts";
import { messagesOf } from "./json-rpc.ts";

/** MCP's CallToolResult, as far as our tools use it. */
export interface CallToolResult {
  [key: string]: unknown;
  content: { type: "text"; text: string }[];
  structuredContent?: Record<string, unknown>;
  isError?: boolean;
}

const objectSchema = z.looseObject({
  type: z.literal("object"),
  properties: z.record(z.string(), z.json()).optional(),
  required: z.array(z.string()).optional(),
});

// The schemas as the plain JSON that they are; the SDKs' types ask for it.
const toolsSchema = z.array(z.looseObject({ name: z.string(), inputSchema: objectSchema, outputSchema: objectSchema }));

let tools: z.output<typeof toolsSchema> | undefined;

/**
 * What `tools/list` answers in the current exchange, in both eras: the tools that its caller may run, always in the same
 * order. So a connection that may only read shows a model nothing that it would try in vain.
 */
export function listTools(): { tools: z.output<typeof toolsSchema> } {
  const { caller } = currentExchange();
  tools ??= toolsSchema.parse(describeCatalog());
  return { tools: tools.filter(({ name }) => isAllowed(caller, toolNamed(name).scope)) };
}

/** Whether there is such a tool; an unknown one is a protocol error (-32602) and not a tool's. */
export function isKnownTool(name: string): boolean {
  return toolCalled(name) !== undefined;
}

/** Whether a message, or one of a batch, calls a tool that may change something: its answer is not to be had again. */
export function mayChange(body: unknown): boolean {
  return messagesOf(body).some((message) => callIn(message)?.tool.annotations.readOnlyHint === false);
}

/** Whether all that a body asks for is tool calls, each of which makes sure by itself that the credential counts. */
export function onlyCallsTools(body: unknown): boolean {
  return messagesOf(body).every((message) => {
    const call = callIn(message);
    return call !== undefined && isObject(decodeArguments(call.input));
  });
}

/**
 * Makes sure that a caller may have something of what a body asks for: that not every request in it calls a tool whose scope
 * they lack. A batch of which some can be answered is answered, and the others are errors of their tools.
 *
 * @throws ApplicationError `forbidden`, naming the scopes
 */
export function requireScopes(body: unknown, caller: Caller): void {
  if (caller.access === "full") return;
  const requests = messagesOf(body).filter((message) => !isNotification(message));
  const called = requests.flatMap((message) => callIn(message)?.tool ?? []);
  const lacking = called.filter(({ scope }) => !isAllowed(caller, scope));
  if (lacking.length === 0 || lacking.length < requests.length) return;
  const names = new Set(lacking.map(({ name }) => name));
  throw insufficientScope([...names], [...new Set(lacking.map(({ scope }) => scope))], caller);
}

function isNotification(message: unknown): boolean {
  return isObject(message) && "method" in message && !("id" in message);
}

/** The tool that a message calls, and its arguments as they came; undefined where it calls none that there is. */
function callIn(message: unknown) {
  if (!isObject(message) || message.method !== "tools/call" || !isObject(message.params)) return undefined;
  const { name, arguments: input } = message.params;
  const tool = typeof name === "string" ? toolCalled(name) : undefined;
  return tool === undefined ? undefined : { tool, input };
}

/**
 * Runs a tool for the caller of the current exchange. A failure is an answer as well (MCP, Tools, Error Handling): its
 * text tells the model what to do.
 *
 * @param signal aborted when its client gives the call up
 */
export async function callTool(name: string, input: unknown, signal: AbortSignal): Promise<CallToolResult> {
  const exchange = currentExchange();
  try {
    const { structured, toText } = await runTool(name, input, { ...exchange, signal }).catch(async (error: unknown) => {
      const { kind } = toApplicationError(error);
      // Nobody is told what is wrong with their input whose credential does not count. An error that says so itself
      // says too whether anything was changed.
      if (kind !== "unauthenticated" && errorKinds[kind].owner === "caller") {
        await exchange.database.checkCredential("lately");
      }
      throw error;
    });
    return { content: [{ type: "text", text: toText() }], structuredContent: structured };
  } catch (thrown) {
    const error = toApplicationError(thrown);
    logFailure(exchange.log, error);
    if (error.kind === "unauthenticated") exchange.onSignedOut(error);
    return { isError: true, content: [{ type: "text", text: error.message }] };
  }
}
