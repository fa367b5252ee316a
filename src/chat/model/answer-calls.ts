import * as z from "zod";
import { type ModelEvent, unreadableAnswer } from "./model.ts";
import { parsePart } from "./parse-part.ts";

const argumentsSchema = z.union([z.string(), z.looseObject({}).transform((value) => JSON.stringify(value))]);
const announcedSchema = z.object({
  type: z.literal("function_call"),
  id: z.string().catch(""),
  call_id: z.string(),
  name: z.string(),
});
const callSchema = announcedSchema.extend({ arguments: argumentsSchema.nullish() });
const placeSchema = z.object({
  output_index: z.int().optional().catch(undefined),
  item_id: z.string().catch(""),
  item: z
    .object({ id: z.string().catch("") })
    .optional()
    .catch(undefined),
});

/** Where an event belongs in an answer: not every server numbers the parts of one, nor names them the same twice. */
interface Place {
  readonly index: number | undefined;
  readonly itemId: string;
}

/** A call that has not ended yet. */
interface OpenCall extends Place {
  readonly callId: string;
  readonly name: string;
  /** What has come of its arguments; undefined where nothing has. */
  arguments: string | undefined;
}

/** The calls of one answer. However often a server says one, and in however many ways, it is told once. */
export class AnswerCalls {
  readonly #open: OpenCall[] = [];
  readonly #told: { readonly callId: string; readonly content: string }[] = [];

  /** Takes what is said of an item when it begins: whether it is a call. */
  announce(event: unknown): boolean {
    const call = z.object({ item: announcedSchema }).safeParse(event).data?.item;
    if (call === undefined) return false;
    const place = placeOf(event);
    const isSame = (open: OpenCall) =>
      open.callId === call.call_id && open.index === place.index && open.itemId === place.itemId;
    if (!this.#open.some(isSame)) {
      this.#open.push({ ...place, callId: call.call_id, name: call.name, arguments: undefined });
    }
    return true;
  }

  /** Takes a piece of a call's arguments. */
  addPiece(event: unknown, piece: string): void {
    const call = this.#openAt(placeOf(event));
    if (call !== undefined) call.arguments = (call.arguments ?? "") + piece;
  }

  /** Takes the arguments of a call as a whole, in place of what has come in pieces. */
  setArguments(event: unknown): void {
    const call = this.#openAt(placeOf(event));
    const whole = z.object({ arguments: argumentsSchema }).safeParse(event).data?.arguments;
    if (call !== undefined && whole) call.arguments = whole;
  }

  /**
   * Takes a call that is whole.
   *
   * @param event what it stands in; undefined at the answer's end
   * @throws ApplicationError where nobody has said the arguments
   */
  *end(item: unknown, event?: unknown): Generator<ModelEvent> {
    const call = parsePart(callSchema, item);
    const open = this.#takeOpen(call.call_id, event === undefined ? undefined : placeOf(event));
    // Some servers say them in pieces only.
    const text = call.arguments || (open?.arguments ?? call.arguments ?? undefined);
    yield* this.#tell(call.call_id, call.name, text);
  }

  /**
   * Takes what the end of the answer says: calls that were not told of before. Those that were may stand there again, and
   * under other ids.
   */
  *readRest(output: readonly { readonly type: string }[]): Generator<ModelEvent> {
    const calls = output.filter(({ type }) => type === "function_call").map((item) => parsePart(callSchema, item));
    const left = [...calls];
    for (const open of this.#open.splice(0)) {
      const [whole] = take(left, ({ call_id }) => call_id === open.callId);
      yield* this.#tell(open.callId, open.name, whole?.arguments || (open.arguments ?? whole?.arguments ?? undefined));
    }
    if (calls.length <= this.#told.length) return;
    const told = [...this.#told];
    for (const { call_id, name, arguments: text } of calls) {
      const content = contentOf(name, text ?? "");
      const [known] = take(told, (one) => one.callId === call_id);
      const [same] = known === undefined ? take(told, (one) => one.content === content) : [known];
      if (same === undefined) yield* this.#tell(call_id, name, text ?? undefined);
    }
  }

  *#tell(callId: string, name: string, text: string | undefined): Generator<ModelEvent> {
    const known = this.#told.filter((call) => call.callId === callId);
    if (text === undefined) {
      if (known.length > 0) return;
      throw unreadableAnswer(undefined);
    }
    // Not every server gives each call an id of its own: only one that says the same was told before.
    const content = contentOf(name, text);
    if (known.some((call) => call.content === content)) return;
    this.#told.push({ callId, content });
    yield { type: "call", callId, name, arguments: text };
  }

  /** Where a server gives all its items one index, or one id, the other tells them apart. */
  #openAt({ index, itemId }: Place): OpenCall | undefined {
    const hasId = (call: OpenCall) => itemId !== "" && call.itemId === itemId;
    const hasIndex = (call: OpenCall) => index !== undefined && call.index === index;
    return (
      this.#open.findLast((call) => hasId(call) && hasIndex(call)) ??
      this.#open.findLast(hasId) ??
      this.#open.findLast(hasIndex) ??
      (index === undefined ? this.#open.at(-1) : undefined)
    );
  }

  /** What was announced of a call, by its own id: it may end in another place than it was announced in. */
  #takeOpen(callId: string, place: Place | undefined): OpenCall | undefined {
    const here = place && this.#openAt(place);
    return take(this.#open, (call) => (here?.callId === callId ? call === here : call.callId === callId))[0];
  }
}

/** Removes the first that fits. */
function take<Item>(list: Item[], fits: (item: Item) => boolean): Item[] {
  const at = list.findIndex(fits);
  return at < 0 ? [] : list.splice(at, 1);
}

function placeOf(event: unknown): Place {
  const { output_index: index, item_id, item } = parsePart(placeSchema, event);
  return { index, itemId: item?.id || item_id };
}

/** The same for the same call, however its JSON is written. */
function contentOf(name: string, text: string): string {
  try {
    return `${name} ${JSON.stringify(JSON.parse(text))}`;
  } catch {
    return `${name} ${text}`;
  }
}
