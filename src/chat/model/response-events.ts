import * as z from "zod";
import { AnswerCalls } from "./answer-calls.ts";
import { type ModelEvent, modelFailure } from "./model.ts";
import { parsePart as parse } from "./parse-part.ts";
import { toApiError } from "./response-error.ts";

/** More than any model takes at once; a larger number is no count of tokens. */
const MOST_TOKENS = 100_000_000;

const phaseSchema = z.enum(["commentary", "final_answer"]).nullish().catch(undefined);
/** Not every server that speaks the API names its parts. */
const idSchema = z.string().catch("");
const deltaSchema = z.object({ item_id: idSchema, delta: z.string() });
const textSchema = z.object({ item_id: idSchema, text: z.string() });
const tokensSchema = z.int().min(0).max(MOST_TOKENS);
const itemTypeSchema = z.looseObject({ type: z.string() });
const contentSchema = z.union([
  z.object({ type: z.literal("output_text"), text: z.string() }).transform(({ text }) => text),
  z.object({ type: z.literal("refusal"), refusal: z.string() }).transform(({ refusal }) => refusal),
  z.unknown().transform(() => ""),
]);
const messageSchema = z.object({ id: idSchema, phase: phaseSchema, content: z.array(contentSchema).catch([]) });
const announcedSchema = z.object({ item: z.object({ type: z.literal("message"), id: idSchema, phase: phaseSchema }) });
const reasoningSchema = z.object({ id: idSchema, encrypted_content: z.string().nullish() });
const responseSchema = z.object({
  status: z.string().optional().catch(undefined),
  output: z.array(itemTypeSchema).catch([]),
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
  readonly #calls = new AnswerCalls();
  /** The messages and thoughts that have ended: some servers say so twice. */
  readonly #ended = new Set<string>();
  /** How many messages have ended. */
  #messages = 0;
  /** Whether pieces of the message that is being written have come. */
  #hasPieces = false;
  /** The kinds of what has come until now: what the end repeats of them is passed over. */
  readonly #kinds = new Set<string>();
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
      case "response.output_text.done": {
        if (this.#hasPieces) return;
        const { item_id: id, text } = parse(textSchema, event);
        this.#hasPieces = true;
        return yield this.#textOf(id, text, this.#phases.get(id));
      }
      case "response.function_call_arguments.delta":
        return this.#calls.addPiece(event, parse(deltaSchema, event).delta);
      case "response.function_call_arguments.done":
        return this.#calls.setArguments(event);
      case "response.reasoning_summary_text.delta": {
        const { item_id, delta, summary_index } = parse(deltaSchema.extend({ summary_index: z.int().catch(0) }), event);
        return yield { type: "reasoning", id: `${item_id}.${summary_index}`, text: delta };
      }
      case "response.reasoning_text.delta": {
        const { item_id: id, delta } = parse(deltaSchema, event);
        return yield { type: "reasoning", id, text: delta };
      }
      case "response.output_item.done":
        return yield* this.#readItem(parse(z.object({ item: itemTypeSchema }), event).item, event);
      case "response.completed":
      case "response.done":
      case "response.incomplete":
      case "response.failed":
        return yield* this.#end(type, event);
      default:
    }
  }

  #begin(event: unknown): void {
    if (this.#calls.announce(event)) return;
    const message = announcedSchema.safeParse(event).data?.item;
    if (message?.phase) this.#phases.set(message.id, message.phase);
    else if (message !== undefined) this.#phases.delete(message.id);
  }

  /** @param event what the item stands in; undefined at the answer's end */
  *#readItem(item: z.output<typeof itemTypeSchema>, event?: unknown): Generator<ModelEvent> {
    // A message counts from its first word on.
    if (item.type !== "message") this.#kinds.add(item.type);
    switch (item.type) {
      case "message": {
        const { id, phase, content } = parse(messageSchema, item);
        // A server that does not stream says it all at once.
        const said = content.filter((text) => text !== "");
        const isNew = this.#isNew([id, said]);
        if (isNew && !this.#hasPieces) for (const text of said) yield this.#textOf(id, text, phase);
        this.#hasPieces = false;
        if (isNew) this.#messages += 1;
        return;
      }
      case "function_call":
        return yield* this.#calls.end(item, event);
      case "reasoning": {
        const { id, encrypted_content: encrypted } = parse(reasoningSchema, item);
        // Without its id it cannot be given back.
        if (encrypted && id !== "" && this.#isNew([id])) yield { type: "sealed_reasoning", id, encrypted };
        return;
      }
      default:
    }
  }

  #isNew(what: unknown): boolean {
    const key = JSON.stringify(what);
    if (this.#ended.has(key)) return false;
    this.#ended.add(key);
    return true;
  }

  *#end(type: string, event: unknown): Generator<ModelEvent> {
    const { output, usage, incomplete_details, error, status } = parse(
      z.object({ response: responseSchema }),
      event,
    ).response;
    const isIncomplete = type === "response.incomplete" || status === "incomplete";
    const hasFailed = type === "response.failed" || status === "failed";
    if (!isIncomplete && !hasFailed) yield* this.#readRest(output);
    if (usage) {
      const { input_tokens: inputTokens, input_tokens_details: details, output_tokens: outputTokens } = usage;
      yield { type: "usage", inputTokens, cachedTokens: details?.cached_tokens ?? 0, outputTokens };
    }
    if (isIncomplete) {
      throw modelFailure(`The model's answer was cut short (${incomplete_details?.reason ?? "no reason given"}).`);
    }
    if (hasFailed) throw toApiError(error ?? {});
    this.#isComplete = true;
  }

  /** What a server says at the end alone. What has come before may stand there again, and under other ids. */
  *#readRest(output: readonly z.output<typeof itemTypeSchema>[]): Generator<ModelEvent> {
    const known = new Set([...this.#kinds, "function_call"]);
    for (const item of output) if (!known.has(item.type)) yield* this.#readItem(item);
    yield* this.#calls.readRest(output);
  }

  #textOf(id: string, text: string, phase: "commentary" | "final_answer" | null | undefined): ModelEvent {
    this.#kinds.add("message");
    // Two messages without a name are two.
    return { type: "text", id: id || `message ${this.#messages}`, text, ...(phase != null && { phase }) };
  }
}
