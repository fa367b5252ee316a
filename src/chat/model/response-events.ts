import { APIError } from "openai/core/error";
import * as z from "zod";
import { type ModelEvent, modelFailure } from "./model.ts";

/** More than any model takes at once; a larger number is no count of tokens. */
const MOST_TOKENS = 100_000_000;

const phaseSchema = z.enum(["commentary", "final_answer"]).nullish().catch(undefined);
/** Not every server that speaks the API names its parts. */
const idSchema = z.string().catch("");
const deltaSchema = z.object({ item_id: idSchema, delta: z.string() });
const tokensSchema = z.int().min(0).max(MOST_TOKENS);
const itemTypeSchema = z.looseObject({ type: z.string() });
const contentSchema = z.union([
  z.object({ type: z.literal("output_text"), text: z.string() }).transform(({ text }) => text),
  z.object({ type: z.literal("refusal"), refusal: z.string() }).transform(({ refusal }) => refusal),
  z.unknown().transform(() => ""),
]);
const messageSchema = z.object({ id: idSchema, phase: phaseSchema, content: z.array(contentSchema).catch([]) });
const callSchema = z.object({ call_id: z.string(), name: z.string(), arguments: z.string() });
const reasoningSchema = z.object({ id: z.string(), encrypted_content: z.string().nullish() });
const responseSchema = z.object({
  /** Undefined where it is no count, so that the agent estimates one. */
  usage: z
    .object({
      input_tokens: tokensSchema,
      input_tokens_details: z.object({ cached_tokens: tokensSchema }).nullish().catch(undefined),
      output_tokens: tokensSchema,
    })
    .nullish()
    .catch(undefined),
  incomplete_details: z.object({ reason: z.string() }).nullish().catch(undefined),
  error: z.looseObject({}).nullish().catch(undefined),
});

/**
 * Reads the events of one answer of the Responses API (https://platform.openai.com/docs/api-reference/responses-streaming).
 * What a server sends counts for nothing until it has been parsed here; events of other types are passed over.
 */
export class ResponseEvents {
  readonly #phases = new Map<string, "commentary" | "final_answer">();
  /** Whether pieces of the message that is being written have come. */
  #hasPieces = false;
  #isComplete = false;

  /** Whether the answer has come to its end. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /**
   * @throws ApplicationError for an event that cannot be read, and for an answer that was cut short; APIError for one
   * that failed, as the SDK throws it where the server refuses at once
   */
  *read(event: unknown): Generator<ModelEvent> {
    const { type } = parse(itemTypeSchema, event);
    switch (type) {
      case "response.output_item.added":
        return this.#begin(event);
      case "response.output_text.delta":
      case "response.refusal.delta": {
        const { item_id: id, delta } = parse(deltaSchema, event);
        this.#hasPieces = true;
        return yield this.#textOf(id, delta, this.#phases.get(id));
      }
      case "response.reasoning_summary_text.delta": {
        const { item_id, delta, summary_index } = parse(deltaSchema.extend({ summary_index: z.int().catch(0) }), event);
        return yield { type: "reasoning", id: `${item_id}.${summary_index}`, text: delta };
      }
      case "response.reasoning_text.delta": {
        const { item_id: id, delta } = parse(deltaSchema, event);
        return yield { type: "reasoning", id, text: delta };
      }
      case "response.output_item.done":
        return yield* this.#readItem(parse(z.object({ item: itemTypeSchema }), event).item);
      case "response.completed":
      case "response.incomplete":
      case "response.failed":
        return yield* this.#end(type, event);
      default:
    }
  }

  #begin(event: unknown): void {
    const added = z.object({ item: z.object({ id: idSchema, phase: phaseSchema }) }).safeParse(event).data;
    if (added?.item.phase) this.#phases.set(added.item.id, added.item.phase);
  }

  *#readItem(item: z.output<typeof itemTypeSchema>): Generator<ModelEvent> {
    switch (item.type) {
      case "message": {
        const { id, phase, content } = parse(messageSchema, item);
        // A server that does not stream says it all at once.
        const said = content.filter((text) => text !== "");
        if (!this.#hasPieces) for (const text of said) yield this.#textOf(id, text, phase);
        this.#hasPieces = false;
        return;
      }
      case "function_call": {
        const { call_id: callId, name, arguments: text } = parse(callSchema, item);
        return yield { type: "call", callId, name, arguments: text };
      }
      case "reasoning": {
        const { id, encrypted_content: encrypted } = parse(reasoningSchema, item);
        if (encrypted) yield { type: "sealed_reasoning", id, encrypted };
        return;
      }
      default:
    }
  }

  *#end(type: string, event: unknown): Generator<ModelEvent> {
    const { usage, incomplete_details, error } = parse(z.object({ response: responseSchema }), event).response;
    if (usage) {
      const { input_tokens: inputTokens, input_tokens_details: details, output_tokens: outputTokens } = usage;
      yield { type: "usage", inputTokens, cachedTokens: details?.cached_tokens ?? 0, outputTokens };
    }
    if (type === "response.incomplete") {
      throw modelFailure(`The model's answer was cut short (${incomplete_details?.reason ?? "no reason given"}).`);
    }
    if (type === "response.failed") throw new APIError(undefined, error ?? undefined, undefined, undefined);
    this.#isComplete = true;
  }

  #textOf(id: string, text: string, phase: "commentary" | "final_answer" | null | undefined): ModelEvent {
    return { type: "text", id, text, ...(phase != null && { phase }) };
  }
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw modelFailure("The model's answer cannot be read; try again in a moment.", result.error);
}
