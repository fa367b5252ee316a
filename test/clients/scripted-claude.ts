import { createServer, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { listenOnLoopback } from "../../local/loopback-server.ts";
import { PATIENCE } from "../support/patience.ts";

/** Stands in for Claude, which Claude Code asks what to do: it calls the tool that it is told to, and says "Done." after. */
export interface ScriptedClaude {
  /** With these Claude Code asks it, and names every tool in what it asks. */
  readonly variables: Readonly<Record<string, string>>;
  /** Has it call a tool at the next message. */
  callOnce(name: string, input: unknown): void;
  /** What it was told that a call has come to, since the last time. */
  lastResult(): string;
  close(): Promise<void>;
}

const blockSchema = z.union([
  z.object({ type: z.literal("tool_result"), content: z.union([z.string(), z.array(z.looseObject({}))]) }),
  z.looseObject({ type: z.string() }),
]);
const requestSchema = z.object({
  messages: z.array(z.object({ content: z.union([z.string(), z.array(blockSchema)]) })),
});

type Block = { readonly start: unknown; readonly delta: unknown; readonly stop: "tool_use" | "end_turn" };

/** Starts it on loopback. */
export async function startScriptedClaude(): Promise<ScriptedClaude> {
  let next: Block | undefined;
  let result: string | undefined;

  const server = createServer((request, response) => {
    text(request).then(
      (body) => {
        const isMessage = /^\/v1\/messages(\?|$)/.test(request.url ?? "");
        if (!isMessage) return response.writeHead(404).end();
        result = resultIn(body) ?? result;
        sendMessage(response, next ?? said("Done."));
        next = undefined;
        return undefined;
      },
      () => response.destroy(),
    );
  });
  const { url, close } = await listenOnLoopback(server);
  return {
    variables: {
      ANTHROPIC_BASE_URL: url,
      ANTHROPIC_API_KEY: "the key of the tests",
      ENABLE_TOOL_SEARCH: "false",
      // It would begin without a server that has not connected within 2 s, and give up the connection after 30.
      CLAUDE_CODE_MCP_STARTUP_WAIT_MS: String(PATIENCE),
      MCP_TIMEOUT: String(PATIENCE),
    },
    callOnce(name, input) {
      const start = { type: "tool_use", id: `toolu_${crypto.randomUUID()}`, name, input: {} };
      next = { start, delta: { type: "input_json_delta", partial_json: JSON.stringify(input) }, stop: "tool_use" };
    },
    lastResult() {
      if (result === undefined) throw new Error("Claude Code has told of no call");
      const told = result;
      result = undefined;
      return told;
    },
    close,
  };
}

function said(words: string): Block {
  return { start: { type: "text", text: "" }, delta: { type: "text_delta", text: words }, stop: "end_turn" };
}

/** What a request tells of a call, in the last of its messages. */
function resultIn(body: string): string | undefined {
  const content = requestSchema.parse(JSON.parse(body)).messages.at(-1)?.content;
  const block = Array.isArray(content) ? content.find(({ type }) => type === "tool_result") : undefined;
  if (block === undefined) return undefined;
  return typeof block.content === "string" ? block.content : JSON.stringify(block.content);
}

/** Streams a message with one block in it, as Claude's Messages API does. */
function sendMessage(response: ServerResponse, { start, delta, stop }: Block): void {
  const usage = { input_tokens: 1, output_tokens: 1 };
  const message = { id: "msg_1", type: "message", role: "assistant", model: "scripted", content: [], usage };
  const events: [string, object][] = [
    ["message_start", { message: { ...message, stop_reason: null, stop_sequence: null } }],
    ["content_block_start", { index: 0, content_block: start }],
    ["content_block_delta", { index: 0, delta }],
    ["content_block_stop", { index: 0 }],
    ["message_delta", { delta: { stop_reason: stop, stop_sequence: null }, usage }],
    ["message_stop", {}],
  ];
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  for (const [type, data] of events) response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  response.end();
}
