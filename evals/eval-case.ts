import type { Days } from "./days.ts";
import type { TaskState } from "./task-state.ts";

/** A call of a tool: its name and its input. */
export type ToolCall = readonly [tool: string, input: Readonly<Record<string, unknown>>];

/** What the scripted model does in one round: it calls tools, says something, or tells what the tools have answered. */
export type Round = { readonly calls: readonly ToolCall[] } | { readonly says: string } | "tells";

/** What one field must be: a value, a list in any order, a text that fits, or whatever else holds. */
export type Expected = string | number | null | readonly (string | number)[] | RegExp | Condition;

/** A condition on a field's value, among the rows at the end. */
export interface Condition {
  /** What it wants, as it is told where it does not hold. */
  readonly wants: string;
  readonly holds: (value: unknown, rows: readonly TaskState[]) => boolean;
}

export type ExpectedFields = { readonly [Field in keyof TaskState]?: Expected };

/** How a turn has to end. Whatever is not named here must be as it was before the case. */
export interface End {
  /** Tasks that are otherwise, by their id: what of them, and how it has to be. */
  readonly changed?: Readonly<Record<number, ExpectedFields>>;
  /**
   * Tasks that are there in addition. What nobody asked for, such as a date, they must not have; tags, priority, notes and
   * an estimate are free where nothing is said of them.
   */
  readonly added?: readonly ExpectedFields[];
  /** The ids of tasks that are gone. */
  readonly gone?: readonly number[];
  /** What the answer must say: texts, whatever their case and accents, or patterns. */
  readonly says?: readonly (string | RegExp)[];
  /** What it must not say. */
  readonly saysNot?: readonly (string | RegExp)[];
  /** Whether the answer must ask the person something. */
  readonly asks?: boolean;
}

/** What the person says, what becomes of it, and what the scripted model does about it. */
export interface Turn {
  readonly person: string;
  /** What they answer where the server asks whether it may do something; yes without it. */
  readonly approves?: boolean;
  /** Left out where only the turns after it are scored. */
  readonly end?: End;
  /** What a model does that does it right: CI plays it, so that the tools' side stays true. */
  readonly model: readonly Round[];
}

/** What there is before, and what is said then. */
interface Story {
  /** The inputs of `create_task` that make the tasks; the first task has the id 1, the next 2, and so on. */
  readonly tasks: readonly Readonly<Record<string, unknown>>[];
  /** What happened to them since. */
  readonly history?: readonly ToolCall[];
  readonly turns: readonly Turn[];
}

/** A request in ordinary words, and how it is scored. */
export interface EvalCase {
  /** Kebab case, for `--case`. */
  readonly name: string;
  /** Of the person's account: an IANA time zone. */
  readonly timeZone: string;
  /** Of the person's account. */
  readonly weekStart?: string;
  /** Written anew for the day on which it runs. */
  readonly story: (days: Days) => Story;
}

/** A round that calls tools. */
export function calls(...toolCalls: readonly ToolCall[]): Round {
  return { calls: toolCalls };
}

/** A round that ends the turn with these words. */
export function says(text: string): Round {
  return { says: text };
}

/** What an answer must not say of something: that it is there, without a word of why it is not what was asked for. */
export function withoutWord(what: RegExp, word: RegExp): RegExp {
  return new RegExp(`^(?!.*(?:${word.source})).*(?:${what.source})`, "is");
}

/** One of several values. */
export function oneOf(...values: readonly (string | number | null)[]): Condition {
  return { wants: `one of ${values.join(", ")}`, holds: (value) => values.some((one) => one === value) };
}

/** A number between two others. */
export function between(lower: number, upper: number): Condition {
  return {
    wants: `between ${lower} and ${upper}`,
    holds: (value) => typeof value === "number" && value > lower && value < upper,
  };
}

/** One of several rules of RFC 5545, in whatever order its parts stand; a part that says what counts anyhow may be there. */
export function recurs(...rules: readonly string[]): Condition {
  return {
    wants: `one of ${rules.join(", ")}`,
    holds: (value) => typeof value === "string" && rules.some((rule) => sameParts(rule) === sameParts(value)),
  };
}

function sameParts(rule: string): string {
  return rule
    .split(";")
    .filter((part) => part !== "INTERVAL=1" && !part.startsWith("WKST="))
    .map((part) => part.replace("+", "").split(/[=,]/).sort().join())
    .sort()
    .join(";");
}

/** The id of a task whose title fits. */
export function idOf(title: RegExp): Condition {
  return { wants: `the id of ${title}`, holds: (value, rows) => fits(value, title, rows) };
}

/** Just the ids of one task for each title. */
export function idsOf(...titles: readonly RegExp[]): Condition {
  return {
    wants: `the ids of ${titles.join(", ")}`,
    holds: (value, rows) =>
      Array.isArray(value) &&
      value.length === titles.length &&
      titles.every((title) => value.some((id) => fits(id, title, rows))),
  };
}

function fits(id: unknown, title: RegExp, rows: readonly TaskState[]): boolean {
  return rows.some((row) => row.id === id && title.test(row.title));
}
