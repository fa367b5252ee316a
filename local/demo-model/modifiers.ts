import type { Now } from "./calendar.ts";
import type { Phrase } from "./day-phrase.ts";
import { readDue } from "./due-phrase.ts";
import {
  type Part,
  type Place,
  readEstimate,
  readList,
  readPriority,
  readStatus,
  readTags,
  readUnknown,
} from "./modifier-words.ts";
import { readRecurrence } from "./recurrence-phrase.ts";
import { follow, followAny, spell, type Token } from "./tokens.ts";
import { takesTo } from "./vocabulary.ts";
import { type Modifiers, unclear } from "./wish.ts";

/** Reads what is all modifiers, from a place to the end; undefined where a word is something else, or one comes twice. */
export function readModifiers(tokens: readonly Token[], from: number, now: Now, place: Place): Modifiers | undefined {
  const parts: Modifiers[] = [];
  let at = from;
  while (at < tokens.length) {
    const part = readPart(tokens, at, now, place);
    if (part === undefined) return undefined;
    const { tags = [], notes = [], ...single } = part.value;
    if (parts.some((other) => Object.keys(single).some((key) => key in other))) return undefined;
    parts.push({ ...single, tags, notes });
    at = part.next < tokens.length ? skipJoint(tokens, part.next) : part.next;
  }
  return joinModifiers(parts);
}

/** The words before, and all the modifiers at the end; the earliest place where they can begin counts. */
export function splitModifiers(
  tokens: readonly Token[],
  now: Now,
  place: Place,
): { readonly head: readonly Token[]; readonly modifiers: Modifiers | undefined } {
  for (let at = 1; at < tokens.length; at++) {
    if (LEADS_ON.test(tokens[at - 1]?.key ?? "") || (place === "new" && isDestination(tokens, at))) continue;
    const modifiers = readModifiers(tokens, at, now, place);
    if (modifiers !== undefined) return { head: withoutJoint(tokens.slice(0, at)), modifiers };
  }
  return { head: tokens, modifiers: undefined };
}

/** What cannot end a title: behind it a modifier is none, as in "something urgent", "the end of today", "Black Friday". */
const LEADS_ON =
  /^(?:an?|the|some(?:thing|one)|any(?:thing|one)|nothing|very|so|too|really|more|less|of|about|my|your|our|to|from|with|between|than|like|last|black|good|cyber|super)$/;

/** "go to work" is a title, "milk to work" has a list. */
function isDestination(tokens: readonly Token[], at: number): boolean {
  const begun = tokens.slice(0, at).findLastIndex(({ key }) => /^(?:,|;|and|&)$/.test(key)) + 1;
  return (
    tokens[at]?.key === "to" &&
    takesTo.has(tokens[begun]?.key ?? "") &&
    !tokens.slice(at).some(({ key }) => key === "list")
  );
}

/** Several modifiers as one; undefined where there are none. What is said twice makes them unclear. */
export function joinModifiers(all: readonly (Modifiers | undefined)[]): Modifiers | undefined {
  const given = all.filter((one) => one !== undefined);
  const names = given.flatMap(({ tags, notes, ...single }) => Object.keys(single));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  const tags = [...new Set(given.flatMap((one) => one.tags))];
  const notes = given.flatMap((one) => one.notes);
  if (given.length === 0) return undefined;
  const joined: Modifiers = Object.assign({}, ...given, { tags, notes });
  return twice === undefined ? joined : { ...joined, unclear: joined.unclear ?? unclear(twice, "it is said twice") };
}

function readPart(tokens: readonly Token[], at: number, now: Now, place: Place): Phrase<Part> | undefined {
  return (
    readTags(tokens, at, now) ??
    readPriority(tokens, at, place) ??
    readEstimate(tokens, at) ??
    readNotBefore(tokens, at, now, place) ??
    (place === "changed" ? readStatus(tokens, at) : readUnknown(tokens, at)) ??
    (place === "changed" ? undefined : readList(tokens, at)) ??
    readRecurring(tokens, at, now, place) ??
    readWhen(tokens, at, now, place)
  );
}

function readRecurring(tokens: readonly Token[], at: number, now: Now, place: Place): Phrase<Part> | undefined {
  const phrase = readRecurrence(tokens, place === "changed" ? (follow(tokens, at, "to") ?? at) : at, now);
  if (phrase === undefined) return undefined;
  const { value, next } = phrase;
  return {
    value: "problem" in value ? { unclear: unclear(spell(tokens.slice(at, next)), value.problem) } : value,
    next,
  };
}

/** `not before monday`, `scheduled for 5 December`. */
function readNotBefore(tokens: readonly Token[], at: number, now: Now, place: Place): Phrase<Part> | undefined {
  const begun = followAny(tokens, at, ["not before|until", "scheduled for|on"]);
  const phrase = begun === undefined ? undefined : readWhen(tokens, begun, now, place);
  if (phrase === undefined) return undefined;
  const { due, ...others } = phrase.value;
  return { value: { ...others, ...(due !== undefined && { scheduled: due }) }, next: phrase.next };
}

function readWhen(tokens: readonly Token[], at: number, now: Now, place: Place): Phrase<Part> | undefined {
  const begun = place === "changed" ? (follow(tokens, at, "to") ?? at) : at;
  const phrase = readDue(tokens, begun, now);
  if (phrase === undefined) return undefined;
  const { value, next } = phrase;
  if ("problem" in value) return { value: { unclear: unclear(spell(tokens.slice(at, next)), value.problem) }, next };
  if (place === "changed" && value.isHour) {
    return {
      value: { unclear: unclear(spell(tokens.slice(at, next)), "say which day, such as “today at 5pm”") },
      next,
    };
  }
  if (place === "new" && tokens.slice(at, next).some(({ text }) => /^(?:Today|Tomorrow|Tonight)$/.test(text))) {
    const hint = "write a day in small letters, or put the title in quotes";
    return { value: { unclear: unclear(spell(tokens.slice(at, next)), hint) }, next };
  }
  if (place === "new" && value.day < now.day && !tokens[next - 1]?.key.includes("-")) {
    return { value: { unclear: unclear(spell(tokens.slice(at, next)), "that has passed") }, next };
  }
  return { value: { due: value.due, notes: value.notes }, next };
}

function skipJoint(tokens: readonly Token[], at: number): number {
  return followAny(tokens, at, [", and|with?", "and|with", "."]) ?? at;
}

/** "call mom," and "call mom and" without what leads on. */
function withoutJoint(tokens: readonly Token[]): readonly Token[] {
  const last = tokens.at(-1);
  const leadsOn = last !== undefined && /^(?:[,;:–—-]|and|with|that|which|is)$/.test(last.key);
  return leadsOn && tokens.length > 1 ? withoutJoint(tokens.slice(0, -1)) : tokens;
}
