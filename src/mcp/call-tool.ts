import * as z from "zod";
import { errorKinds, toApplicationError } from "../errors.ts";
import { isObject } from "../json.ts";
import { logFailure } from "../observability/log-failure.ts";
import { describeCatalog, toolCalled } from "../tools/catalog.ts";
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

/** What `tools/list` answers, in both eras: always the same tools in the same order. */
export function listTools(): { tools: z.output<typeof toolsSchema> } {
  tools ??= toolsSchema.parse(describeCatalog());
  return { tools };
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
    const { structured, text } = await runTool(name, input, { ...exchange, signal }).catch(async (error: unknown) => {
      const { kind } = toApplicationError(error);
      // Nobody is told what is wrong with their input whose credential does not count. An error that says so itself
      // says too whether anything was changed.
      if (kind !== "unauthenticated" && errorKinds[kind].owner === "caller") {
        await exchange.database.checkCredential("lately");
      }
      throw error;
    });
    return { content: [{ type: "text", text }], structuredContent: structured };
  } catch (thrown) {
    const error = toApplicationError(thrown);
    logFailure(exchange.log, error);
    if (error.kind === "unauthenticated") exchange.onSignedOut(error);
    return { isError: true, content: [{ type: "text", text: error.message }] };
  }
}
