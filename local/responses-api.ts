import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { z } from "zod";

/** One thing a model answers with. */
export type OutputItem =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "reasoning"; readonly text: string }
  /** `arguments` goes out as it is; it need not be JSON. */
  | { readonly type: "call"; readonly name: string; readonly arguments: string };

const contentSchema = z.union([z.string(), z.array(z.looseObject({ text: z.string().optional() }))]);
const inputItemSchema = z.union([
  z.object({ type: z.literal("function_call"), call_id: z.string(), name: z.string(), arguments: z.string() }),
  z.object({ type: z.literal("function_call_output"), call_id: z.string(), output: z.string() }),
  z.object({ type: z.literal("reasoning"), id: z.string() }),
  z.object({ role: z.enum(["user", "assistant", "system", "developer"]), content: contentSchema }),
  /** Whatever else an item may be: a stand-in has no use for it. */
  z.object({ type: z.string() }),
]);

/** What a request to `POST /responses` says, as far as a stand-in for a model needs it. */
export const responsesRequestSchema = z.looseObject({
  model: z.string(),
  instructions: z.string(),
  input: z.array(inputItemSchema),
  tools: z.array(z.looseObject({ type: z.literal("function"), name: z.string() })),
  tool_choice: z.string().optional(),
  stream: z.literal(true),
});

export type ResponsesRequest = z.output<typeof responsesRequestSchema>;
export type InputItem = ResponsesRequest["input"][number];

/** Reads the JSON body of a request. */
export async function readResponsesRequest(request: IncomingMessage): Promise<ResponsesRequest> {
  return responsesRequestSchema.parse(JSON.parse(await text(request)));
}

/** The text of a message that somebody said. */
export function saidText(item: Extract<InputItem, { role: string }>): string {
  return typeof item.content === "string" ? item.content : item.content.map((part) => part.text ?? "").join("");
}

/** The tokens that a stand-in says it has used: about four characters each. */
export function countTokens(request: ResponsesRequest, output: readonly OutputItem[]) {
  // An image's bytes are no words.
  const words = (key: string, value: unknown) => (key === "image_url" ? undefined : value);
  const heard = JSON.stringify([request.instructions, request.input, request.tools], words).length;
  const said = output.reduce((sum, item) => sum + (item.type === "call" ? item.arguments : item.text).length, 0);
  return { input: Math.ceil(heard / 4), output: Math.ceil(said / 4) };
}

type Event = { readonly type: string } & Record<string, unknown>;

/** The events of an answer, as the Responses API streams them (https://platform.openai.com/docs/api-reference/responses-streaming). */
export function responseEvents(
  model: string,
  output: readonly OutputItem[],
  tokens: { readonly input: number; readonly output: number },
): Event[] {
  const id = newId("resp");
  const items = output.map((item, index) => itemEvents(item, index));
  const response = { id, object: "response", created_at: Math.floor(Date.now() / 1000), model, error: null };
  const usage = {
    input_tokens: tokens.input,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: tokens.output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: tokens.input + tokens.output,
  };
  const events = [
    { type: "response.created", response: { ...response, status: "in_progress", output: [] } },
    ...items.flatMap(({ events }) => events),
    {
      type: "response.completed",
      response: { ...response, status: "completed", output: items.map(({ item }) => item), usage },
    },
  ];
  return events.map((event, index) => ({ ...event, sequence_number: index }));
}

/** Begins an answer that is a stream of events. */
export function beginEvents(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  response.flushHeaders();
}

/** Sends one event. */
export function sendEvent(response: ServerResponse, event: Event): void {
  response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
}

function itemEvents(item: OutputItem, index: number): { item: Record<string, unknown>; events: Event[] } {
  switch (item.type) {
    case "text":
      return textEvents(item.text, index);
    case "reasoning":
      return reasoningEvents(item.text, index);
    case "call":
      return callEvents(item, index);
  }
}

function textEvents(said: string, output_index: number) {
  const id = newId("msg");
  const place = { item_id: id, output_index, content_index: 0 };
  const part = { type: "output_text", text: said, annotations: [], logprobs: [] };
  const item = { id, type: "message", role: "assistant", status: "completed", content: [part] };
  const events: Event[] = [
    { type: "response.output_item.added", output_index, item: { ...item, status: "in_progress", content: [] } },
    { type: "response.content_part.added", ...place, part: { ...part, text: "" } },
    ...pieces(said).map((delta) => ({ type: "response.output_text.delta", ...place, delta, logprobs: [] })),
    { type: "response.output_text.done", ...place, text: said, logprobs: [] },
    { type: "response.content_part.done", ...place, part },
    { type: "response.output_item.done", output_index, item },
  ];
  return { item, events };
}

function reasoningEvents(thought: string, output_index: number) {
  const id = newId("rs");
  const place = { item_id: id, output_index, summary_index: 0 };
  const part = { type: "summary_text", text: thought };
  const item = { id, type: "reasoning", summary: [part], encrypted_content: `sealed:${id}` };
  const events: Event[] = [
    { type: "response.output_item.added", output_index, item: { ...item, summary: [] } },
    { type: "response.reasoning_summary_part.added", ...place, part: { ...part, text: "" } },
    ...pieces(thought).map((delta) => ({ type: "response.reasoning_summary_text.delta", ...place, delta })),
    { type: "response.reasoning_summary_text.done", ...place, text: thought },
    { type: "response.reasoning_summary_part.done", ...place, part },
    { type: "response.output_item.done", output_index, item },
  ];
  return { item, events };
}

function callEvents(call: Extract<OutputItem, { type: "call" }>, output_index: number) {
  const id = newId("fc");
  const place = { item_id: id, output_index };
  const item = {
    id,
    type: "function_call",
    call_id: newId("call"),
    name: call.name,
    arguments: call.arguments,
    status: "completed",
  };
  const events: Event[] = [
    { type: "response.output_item.added", output_index, item: { ...item, arguments: "", status: "in_progress" } },
    { type: "response.function_call_arguments.delta", ...place, delta: call.arguments },
    { type: "response.function_call_arguments.done", ...place, name: call.name, arguments: call.arguments },
    { type: "response.output_item.done", output_index, item },
  ];
  return { item, events };
}

/** Word by word, each with the space behind it. */
function pieces(whole: string): string[] {
  return whole.match(/\S+\s*|\s+/gu) ?? [];
}

function newId(prefix: string): string {
  return `${prefix}_${randomBytes(12).toString("hex")}`;
}
