import { OPEN, setFields, unclearTail, update } from "./change-wish.ts";
import { type Phrase, readSpan } from "./day-phrase.ts";
import { splitModifiers } from "./modifiers.ts";
import { type Context, readTarget } from "./reference.ts";
import { follow, followAny, spell, type Token } from "./tokens.ts";
import { unclear, type Wish } from "./wish.ts";

const HINT = "say “postpone milk to friday” or “by 2 days”";

/** Reads `postpone milk to friday`, `push milk by 2 days`, `delay everything a week`, `put milk off until monday`. */
export function readPostpone(tokens: readonly Token[], context: Context): Wish | undefined {
  // That is no task yet.
  if (follow(tokens, 0, "schedule a|an") !== undefined) return undefined;
  const words = readWords(tokens);
  if (words === undefined) return undefined;
  const { rest, field } = words;
  const span = findSpan(rest);
  if (span !== undefined) {
    return update(withoutBack(rest.slice(0, span.next)), context, { type: "postpone", by: span.value }, OPEN);
  }
  const { head, modifiers } = splitModifiers(rest, context.now, "changed");
  const target = readTarget(withoutBack(head), context);
  if (target.type === "unclear") return target;
  if (modifiers === undefined) {
    const isSaid = rest.some(({ key }) => /^(?:to|until|till|by|for)$/.test(key));
    return isSaid ? unclearTail(rest, spell(rest), HINT) : { type: "no_day", target, field, problem: undefined };
  }
  if (modifiers.unclear !== undefined) return { type: "no_day", target, field, problem: modifiers.unclear };
  if (Object.keys(modifiers).some((key) => !/^(?:due|tags|notes)$/.test(key)) || modifiers.tags.length > 0) {
    return unclear(spell(rest), HINT);
  }
  if (modifiers.due !== undefined && modifiers.due.slice(0, 10) < context.now.day) {
    return unclear(spell(rest.slice(head.length)), "that has passed");
  }
  return setFields(target, moveTo(field, modifiers.due ?? ""));
}

/** What sets the day to which a task is moved, or until which it is put off. */
export function moveTo(field: "due" | "scheduled", day: string) {
  return { [field]: day, tags: [], notes: [] };
}

/** What is put off is not before a day; what is postponed is due on another. */
function readWords(tokens: readonly Token[]) {
  const begun = followAny(tokens, 0, ["postpone|delay|defer|snooze", "push back?"]);
  if (begun !== undefined) return { rest: tokens.slice(begun), field: "due" as const };
  const before = followAny(tokens, 0, ["put off", "schedule"]);
  if (before !== undefined) return { rest: tokens.slice(before), field: "scheduled" as const };
  const off = tokens.findIndex(({ key }, index) => index > 1 && key === "off");
  if (off < 0 || follow(tokens, 0, "put") === undefined) return undefined;
  return { rest: [...tokens.slice(1, off), ...tokens.slice(off + 1)], field: "scheduled" as const };
}

/** "push milk back to friday" is about milk. */
function withoutBack(words: readonly Token[]): readonly Token[] {
  return words.length > 1 && words.at(-1)?.key === "back" ? words.slice(0, -1) : words;
}

/** The span at the end, `by 2 days` or `a week`; `next` is where it begins. */
function findSpan(tokens: readonly Token[]): Phrase<(day: string) => string> | undefined {
  for (let at = 1; at < tokens.length; at++) {
    const begun = follow(tokens, at, "by|for") ?? at;
    const span = readSpan(tokens, begun);
    if (span?.next === tokens.length && tokens[at - 1]?.key !== "in") return { value: span.value, next: at };
  }
  return undefined;
}
