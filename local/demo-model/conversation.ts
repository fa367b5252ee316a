import * as z from "zod";
import type { InputItem, ResponsesRequest } from "../responses-api.ts";
import { saidText } from "../responses-api.ts";
import type { Now } from "./calendar.ts";
import { DEMO_LABEL } from "./tell.ts";

/** A call of a tool, and what came of it. */
export interface Call {
  readonly name: string;
  readonly output: string;
}

/** What a person said, and what was done and said about it. */
export interface Turn {
  readonly said: string;
  /** Whether an image came with it. */
  readonly hasImage: boolean;
  readonly calls: readonly Call[];
  /** The calls of answers that this one takes the place of: the server notes behind them that they are done. */
  readonly replaced: readonly Call[];
  /** What the demo model answered, without its label. */
  readonly answered: string;
  /** The calls behind its last words: nobody has said yet what came of them. */
  readonly untold: readonly Call[];
}

/** The turns of a conversation; the last is the one to answer. */
export function readTurns(input: readonly InputItem[]): Turn[] {
  const starts = input.flatMap((item, index) => ("role" in item && item.role === "user" ? [index] : []));
  return starts.map((start, index) => {
    const items = input.slice(start, starts[index + 1]);
    const [first, ...rest] = items;
    const note = rest.findIndex((item) => "role" in item && item.role === "developer");
    const isWords = (item: InputItem) => "role" in item && item.role === "assistant";
    const answers = rest.flatMap((item) =>
      "role" in item && item.role === "assistant" ? [withoutLabel(saidText(item))] : [],
    );
    const answered = answers.join("\n");
    const outputs = readOutputs(input, answered);
    return {
      hasImage: first !== undefined && "role" in first && hasImage(first),
      said: first !== undefined && "role" in first ? readMessage(first).text : "",
      calls: readCalls(rest.slice(note + 1), outputs),
      replaced: readCalls(rest.slice(0, note + 1), outputs),
      answered,
      untold: readCalls(rest.slice(Math.max(note, rest.findLastIndex(isWords)) + 1), outputs),
    };
  });
}

/** What a person said, and behind "Sent on" when: the worker puts that before it, in a part of its own. */
function readMessage(message: Extract<InputItem, { role: string }>): { sentOn?: string; text: string } {
  const { content } = message;
  const [sentOn, ...parts] = typeof content === "string" ? [] : content;
  return parts.length === 0
    ? { text: saidText(message) }
    : { sentOn: sentOn?.text ?? "", text: saidText({ ...message, content: parts }) };
}

function hasImage({ content }: Extract<InputItem, { role: string }>): boolean {
  return typeof content !== "string" && content.some(({ type }) => type === "input_image");
}

/** What the demo model has said, without its label. */
export function withoutLabel(text: string): string {
  return text.startsWith(DEMO_LABEL) ? text.slice(DEMO_LABEL.length).trimStart() : text;
}

/** What the server notes at the end of an output that it shows or keeps the beginning of; it is for models alone. */
const CUT_NOTE = / … \((?:trimmed|cut)[:;](?: this was change (\d+);)?[^()]*\)$/;

/** What came of each call, by its id. What was cut of an output is read where it was told. */
function readOutputs(input: readonly InputItem[], answered: string): ReadonlyMap<string, string> {
  return new Map(
    input.flatMap((item) => {
      if (!("output" in item)) return [];
      const note = CUT_NOTE.exec(item.output);
      if (note === null) return [[item.call_id, item.output]];
      const beginning = item.output.slice(0, note.index);
      const at = answered.indexOf(beginning);
      const cut = note[1] === undefined ? `${beginning}…` : `${beginning}… · change ${note[1]}`;
      return [[item.call_id, at < 0 ? cut : answered.slice(at)]];
    }),
  );
}

/** A call's output counts where the call stands, or where it stands itself: it may come after the person's yes. */
function readCalls(items: readonly InputItem[], outputs: ReadonlyMap<string, string>): Call[] {
  return items.flatMap((item) =>
    "name" in item ? [{ name: item.name, output: outputs.get(item.call_id) ?? "" }] : [],
  );
}

const nowSchema = z.object({
  day: z.iso.date(),
  instant: z.coerce.date(),
  timeZone: z
    .string()
    .refine((zone) => Intl.DateTimeFormat(undefined, { timeZone: zone }).resolvedOptions().timeZone !== ""),
});

/**
 * The moment at which the person's last message was sent, and the zone that the instructions name. What stands last there
 * counts: before it stands the person's name, which can hold anything.
 */
export function readNow({ instructions, input }: ResponsesRequest): Now {
  const last = input.findLast((item) => "role" in item && item.role === "user");
  const sentOn = last !== undefined && "role" in last ? readMessage(last).sentOn : undefined;
  const moment = /^Sent on \w+, (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d)$/.exec(sentOn ?? "");
  const [zone] = [...instructions.matchAll(/Time zone: ([\w/+-]+)/g)].slice(-1);
  return nowSchema.parse({
    day: (moment?.[1] ?? new Date().toISOString()).slice(0, 10),
    instant: moment?.[1] ?? new Date(),
    timeZone: zone?.[1] ?? "UTC",
  });
}
