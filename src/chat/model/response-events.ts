import { APIError } from "openai/core/error";
import * as z from "zod";
import { type ModelEvent, modelFailure, unreadableAnswer } from "./model.ts";

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
const announcedSchema = z.object({ call_id: z.string(), name: z.string() });
const callSchema = announcedSchema.extend({ arguments: z.string().nullish() });
const placeSchema = z.object({ output_index: z.int().optional().catch(undefined), item_id: idSchema });
const reasoningSchema = z.object({ id: z.string(), encrypted_content: z.string().nullish() });
const responseSchema = z.object({
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

/** A call of which the arguments are still to come. */
interface AnnouncedCall extends z.output<typeof announcedSchema> {
  /** What has come of them in pieces; undefined where none has. */
  arguments: string | undefined;
}

/**
 * Reads the events of one answer of the Responses API (https://platform.openai.com/docs/api-reference/responses-streaming).
 * What a server sends counts for nothing until it has been parsed here; events of other types are passed over.
 */
export class ResponseEvents {
  readonly #phases = new Map<string, "commentary" | "final_answer">();
  /** By their places in the answer. */
  readonly #announced = new Map<string, AnnouncedCall>();
  /** The calls that were told of, by their own ids. */
  readonly #called = new Set<string>();
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
      case "response.function_call_arguments.delta": {
        const { delta } = parse(deltaSchema, event);
        const call = this.#announced.get(placeOf(event));
        if (call !== undefined) call.arguments = (call.arguments ?? "") + delta;
        return;
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
        return yield* this.#readItem(parse(z.object({ item: itemTypeSchema }), event).item, placeOf(event));
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
    const call = z.object({ item: announcedSchema.extend({ type: z.literal("function_call") }) }).safeParse(event).data;
    if (call === undefined) return;
    this.#kinds.add(call.item.type);
    this.#announced.set(placeOf(event), { ...call.item, arguments: undefined });
  }

  *#readItem(item: z.output<typeof itemTypeSchema>, place: string): Generator<ModelEvent> {
    // A message counts from its first word on.
    if (item.type !== "message") this.#kinds.add(item.type);
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
        const { call_id, name, arguments: whole } = parse(callSchema, item);
        const announced = this.#takeAnnounced(call_id, place);
        this.#called.add(call_id);
        // Some servers say them in pieces only.
        return yield toCall({ call_id, name, arguments: whole || (announced?.arguments ?? whole ?? undefined) });
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
    const { output, usage, incomplete_details, error } = parse(z.object({ response: responseSchema }), event).response;
    if (type === "response.completed") yield* this.#readRest(output);
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

  /** What a server says at the end alone. What has come before may stand there again, and under other ids. */
  *#readRest(output: readonly z.output<typeof itemTypeSchema>[]): Generator<ModelEvent> {
    for (const { arguments: pieces, ...call } of this.#announced.values()) {
      if (this.#called.has(call.call_id)) continue;
      const whole = output.find((item) => item.type === "function_call" && item.call_id === call.call_id);
      const text = whole === undefined ? undefined : parse(callSchema, whole).arguments;
      yield toCall({ ...call, arguments: text || (pieces ?? text ?? undefined) });
    }
    const known = new Set(this.#kinds);
    for (const item of output) if (!known.has(item.type)) yield* this.#readItem(item, "");
  }

  /** What was announced of a call, by its own id: it may be done in another place than it was announced in. */
  #takeAnnounced(callId: string, place: string): AnnouncedCall | undefined {
    const isCall = (at: string) => this.#announced.get(at)?.call_id === callId;
    const at = isCall(place) ? place : [...this.#announced.keys()].find(isCall);
    const announced = at === undefined ? undefined : this.#announced.get(at);
    if (at !== undefined) this.#announced.delete(at);
    return announced;
  }

  #textOf(id: string, text: string, phase: "commentary" | "final_answer" | null | undefined): ModelEvent {
    this.#kinds.add("message");
    return { type: "text", id, text, ...(phase != null && { phase }) };
  }
}

/** Where an event belongs in the answer: not every server numbers the parts of one, nor names them the same twice. */
function placeOf(event: unknown): string {
  const { output_index: index, item_id: id } = parse(placeSchema, event);
  return index === undefined ? id : String(index);
}

/** @throws ApplicationError for a call of which nobody has said the arguments */
function toCall({ call_id: callId, name, arguments: text }: AnnouncedCall): ModelEvent {
  if (text === undefined) throw unreadableAnswer(undefined);
  return { type: "call", callId, name, arguments: text };
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw unreadableAnswer(result.error);
}
