import { type Frame, readFrame } from "./add-frame.ts";
import type { Now } from "./calendar.ts";
import { joinModifiers, readModifiers, splitModifiers } from "./modifiers.ts";
import { readRecurrence } from "./recurrence-phrase.ts";
import { follow, followAny, spell, type Token, textOf, titleOf } from "./tokens.ts";
import { COMMANDS, isVerb } from "./vocabulary.ts";
import { type Modifiers, type NewTask, type Unclear, unclear, type Wish } from "./wish.ts";

const QUOTE = "if it belongs to the title, put the title in quotes";

/** The words of one new task, and what they say of it. */
interface Part {
  readonly head: readonly Token[];
  readonly modifiers: Modifiers | undefined;
}

/** Reads `add milk and eggs to groceries`, `create a task to call mom tomorrow at 5pm, high priority` and the like. */
export function readAdd(tokens: readonly Token[], now: Now): Wish | undefined {
  const frame = readFrame(tokens, now);
  return frame === undefined || "hint" in frame ? frame : addAll(frame, tokens, now);
}

/** Reads `water the plants every second tuesday`, `every friday, call mom`: without a word for it, what recurs is added. */
export function readRecurring(tokens: readonly Token[], now: Now): Wish | undefined {
  const isDeed = (words: readonly Token[]) => isVerb.has(words[0]?.key ?? "") && words.length > 1;
  const { head, modifiers } = splitModifiers(tokens, now, "new");
  if (isDeed(head) && modifiers?.recurrence !== undefined) {
    return addAll({ body: tokens, count: 1, modifiers: undefined, notes: [] }, tokens, now);
  }
  const first = readRecurrence(tokens, 0, now);
  const body = tokens.slice(first && (follow(tokens, first.next, ",|:") ?? first.next));
  if (first === undefined || "problem" in first.value || !isDeed(body)) return undefined;
  return addAll({ body, count: 1, modifiers: { ...first.value, tags: [] }, notes: [] }, tokens, now);
}

function addAll(frame: Frame, tokens: readonly Token[], now: Now): Wish | undefined {
  const { body, count, notes } = frame;
  const second = findSecondSentence(body);
  if (second !== undefined) return unclear(second, "say one thing at a time, or put titles in quotes");
  const parts = splitParts(body, count, now);
  if ("hint" in parts) return parts;
  // "put milk on my list" adds; "put milk on friday" may as well move it.
  if (follow(tokens, 0, "put") && !tokens.some(({ key }) => key === "list")) return undefined;
  if (
    parts.length === 0 ||
    parts.some(({ head }) => /^(?:(?:any|no|some)thing|stuff|it|this|that|them)?$/.test(textOf(head).toLowerCase()))
  ) {
    return unclear(spell(tokens), "say what to add");
  }
  if (count !== undefined && count !== parts.length) {
    return unclear(spell(body), `you said ${count} and I see ${parts.length}: put each title in quotes`);
  }
  const said = shareModifiers(parts, frame.modifiers, spell(body));
  if ("hint" in said) return said;
  const problem = said.flatMap(
    ({ head, modifiers }) => modifiers?.unclear ?? findDoubt(head, count === 1, now) ?? [],
  )[0];
  return (
    problem ?? {
      type: "add",
      tasks: said.map((part) => toTask(part, count !== 1)),
      notes: [...new Set([...notes, ...said.flatMap(({ modifiers }) => modifiers?.notes ?? [])])],
    }
  );
}

/** One part for each task, each with the modifiers behind it. */
function splitParts(body: readonly Token[], count: number | undefined, now: Now): readonly Part[] | Unclear {
  const whole = splitModifiers(body, now, "new");
  if (count === 1) return [whole];
  const isEnumeration = whole.head.some(({ key }) => key === ",");
  const heads: Token[][] = [[]];
  const joints: string[] = [];
  for (const [index, token] of whole.head.entries()) {
    const isJoint = /^(?:,|;|and|plus)$/.test(token.key) || (isEnumeration && token.key === "&");
    const isNext = token.kind === "quoted" && whole.head[index - 1]?.kind === "quoted";
    if ((isJoint || isNext) && heads.at(-1)?.length !== 0) {
      heads.push([]);
      joints.push(token.key);
    }
    if (!isJoint) heads.at(-1)?.push(token);
  }
  const filled = heads.filter((head) => head.length > 0);
  const verbs = filled.filter(([first]) => isVerb.has(first?.key ?? ""));
  if (filled[0] !== undefined && verbs[0] === filled[0] && verbs.length < filled.length && count === undefined) {
    // "buy milk and eggs" and "call mom and dad" are one task.
    if (filled.length === 2 && joints[0] === "and") return [whole];
    return unclear(spell(whole.head), "is that one task or several? Put each title in quotes");
  }
  return filled.map((head, index) =>
    index === filled.length - 1 ? { head, modifiers: whole.modifiers } : splitModifiers(head, now, "new"),
  );
}

/** What stands behind the last task alone, or before all, is said of all; behind each, it is said of each. */
function shareModifiers(parts: readonly Part[], leading: Modifiers | undefined, what: string) {
  const last = parts.at(-1)?.modifiers;
  const behind = parts.filter(({ modifiers }) => modifiers !== undefined).length;
  if (behind > 0 && behind < parts.length && !(behind === 1 && last !== undefined)) {
    return unclear(what, "add tasks that differ in their day, priority or list one by one");
  }
  return parts.map(({ head, modifiers }) => ({
    head,
    modifiers: joinModifiers([leading, behind === 1 ? last : modifiers]),
  }));
}

/** Words in a title that may not belong to it. */
function findDoubt(head: readonly Token[], isFramed: boolean, now: Now): Unclear | undefined {
  const words = head.filter(({ kind }) => kind !== "tag");
  const stray = words.findIndex(({ kind }, index) => kind === "word" && isStray(words, index, now));
  if (stray >= 0) return unclear(spell(words.slice(stray)), `say days and priorities last; ${QUOTE}`);
  const to = words.findLastIndex(({ key }) => key === "to");
  if (to < 1 || words.length - to > 3 || isFramed || isVerb.has(words[0]?.key ?? "")) return undefined;
  const list = textOf(words.slice(to + 1));
  return unclear(spell(words.slice(to)), `for a list say “to the ${list} list”; ${QUOTE}`);
}

const STRAYS = [
  "low|medium|high|urgent priority",
  "priority low|medium|high|urgent",
  "with a|the? description|note|notes|comment",
  "from now",
];
const WEEKDAY = /^(?:(?:mon|tues|wednes|thurs|fri|satur|sun)days?|weds)$/;

/** Days, hours and priorities that stand where they are not read. */
function isStray(words: readonly Token[], at: number, now: Now): boolean {
  const key = (words[at]?.key ?? "").replaceAll(/[^\p{L}\p{N}:-]/gu, "");
  const before = words[at - 1]?.key ?? "";
  if (/^(?:today|tomorrow|tonight|yesterday|\d{4}-\d\d-\d\d\S*|\d{1,2}(?::\d\d)?[ap]m|\d{1,2}:\d\d)$/.test(key))
    return true;
  if (WEEKDAY.test(key)) {
    // "monday meeting notes" and "Black Friday" are words of a title, "about friday" may be.
    const isLed = /^(?:on|by|for|from|until|till|before|after|this|next)$/.test(before);
    return isLed || (at === words.length - 1 && !/^(?:black|good|cyber|super)$/.test(before));
  }
  if (followAny(words, at, STRAYS) !== undefined) return true;
  return at > 0 && [2, 3, 4].some((length) => isTime(words.slice(0, at + length), at, now));
}

function isTime(words: readonly Token[], at: number, now: Now): boolean {
  const modifiers = readModifiers(words, at, now, "new");
  return modifiers !== undefined && (modifiers.due ?? modifiers.recurrence ?? modifiers.unclear) !== undefined;
}

/** "add milk and delete eggs" is two sentences in one, and so is "1. milk 2. eggs"; "Dr. Smith" is none. */
function findSecondSentence(body: readonly Token[]): string | undefined {
  if (/^\d+$/.test(body[0]?.key ?? "") && body[1]?.key === ".") return spell(body);
  const at = body.findIndex(({ key }, index) => {
    const begins = COMMANDS.has(body[index + 1]?.key ?? "");
    if (/^[.!?]+$/.test(key)) return begins || (body[index - 1]?.key.length ?? 0) > 3;
    return begins && index > 0 && /^(?:,|;|and|&|then)$/.test(key);
  });
  return at < 0 ? undefined : spell(body.slice(at + 1));
}

function toTask({ head, modifiers }: Part, dropsArticle: boolean): NewTask {
  const { tags = [], notes: _notes, unclear: _unclear, status: _status, ...said } = modifiers ?? {};
  const words = head.filter(({ kind }) => kind !== "tag");
  const begun = follow(words, 0, dropsArticle && words.length > 1 ? "-|*|•? the|a|an|my|some?" : "-|*|•?") ?? 0;
  const all = new Set([...tags, ...head.flatMap(({ kind, text }) => (kind === "tag" ? [text.toLowerCase()] : []))]);
  return {
    title: titleOf(words.slice(begun)),
    ...said,
    ...(all.size > 0 && { tags: [...all] }),
  };
}
