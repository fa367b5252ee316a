import type { Now } from "./calendar.ts";
import { joinModifiers, readModifiers } from "./modifiers.ts";
import { follow, spell, type Token } from "./tokens.ts";
import { readCount, THINGS } from "./vocabulary.ts";
import { type Modifiers, type Unclear, unclear } from "./wish.ts";

const REMINDS_NOBODY = "It is on your list; I cannot send reminders.";

/** What leads up to the words of new tasks: "add two urgent tasks:". */
export interface Frame {
  /** The words themselves. */
  readonly body: readonly Token[];
  /** "a task to call mom and dad" is one, "two tasks: milk and eggs" are two; undefined where the words decide. */
  readonly count: number | undefined;
  readonly modifiers: Modifiers | undefined;
  readonly notes: readonly string[];
}

/** Reads it; undefined where the sentence adds nothing. */
export function readFrame(tokens: readonly Token[], now: Now): Frame | Unclear | undefined {
  const reminded = follow(tokens, 0, "remind me");
  if (reminded !== undefined) return readReminder(tokens.slice(reminded), now);
  const verb =
    follow(tokens, 0, "add|create|make|set|put me?") ?? (follow(tokens, 0, "new") === undefined ? undefined : 0);
  if (verb === undefined) return undefined;
  const words = tokens.slice(verb);
  return (
    readNamed(words, now) ?? (follow(tokens, 0, "add|create|put") === undefined ? undefined : readBare(words, now))
  );
}

/** `to call mom tomorrow`, `tomorrow at 5pm to call mom`. */
function readReminder(tokens: readonly Token[], now: Now): Frame | Unclear {
  const { before, body } = splitAt(tokens, /^(?:to|about|that|:)$/);
  const modifiers = readModifiers(before, 0, now, "new");
  if (body === undefined || (before.length > 0 && modifiers === undefined)) {
    return unclear(spell(tokens), "say “remind me to call mom tomorrow”");
  }
  return { body, count: 1, modifiers, notes: [REMINDS_NOBODY] };
}

/** `a new urgent task for friday called …`, `two tasks: …`, `task milk`. */
function readNamed(tokens: readonly Token[], now: Now): Frame | undefined {
  let begun = 0;
  let count: number | undefined;
  for (; isDeterminer(tokens[begun]?.key ?? ""); begun++) {
    const key = tokens[begun]?.key ?? "";
    if (!/^an?$/.test(key)) count ??= readCount(key);
  }
  const thing = tokens.findIndex(({ kind, key }) => kind === "word" && THINGS.has(key));
  const kind = readModifiers(tokens.slice(0, Math.max(thing, 0)), begun, now, "new");
  if (thing < begun || (thing > begun && kind === undefined)) return undefined;
  const rest = tokens.slice(thing + 1);
  // "add a task for tomorrow", "add an item to my list": nothing is left to add.
  const behind = readModifiers(rest, 0, now, "new") === undefined ? rest : [];
  const { before, body, joint } = splitAt(behind, /^(?:to|called|named|titled|:)$/);
  const between = readModifiers(before, 0, now, "new");
  const isJoint = body !== undefined && (before.length === 0 || between !== undefined);
  const name = tokens[thing]?.key ?? "";
  const isOne = isJoint && joint !== ":" && !name.endsWith("s");
  return {
    body: isJoint ? body : behind,
    count: count ?? (isOne ? 1 : undefined),
    modifiers: joinModifiers([kind, isJoint ? between : undefined]),
    notes: name.startsWith("reminder") ? [REMINDS_NOBODY] : [],
  };
}

function isDeterminer(key: string): boolean {
  return /^(?:the|another|some|these|new)$/.test(key) || readCount(key) !== undefined;
}

/** `milk and eggs`, `: milk`, `for tomorrow: milk`, `#work call Ada`. */
function readBare(tokens: readonly Token[], now: Now): Frame {
  const tags = tokens.findIndex(({ kind }) => kind !== "tag");
  const { before, body } = splitAt(tokens, /^:$/);
  const begun = body === undefined ? Math.max(tags, 0) : before.length;
  const modifiers = begun === 0 ? undefined : readModifiers(tokens.slice(0, begun), 0, now, "new");
  const isLed = modifiers !== undefined || begun === 0;
  return {
    body: body !== undefined && isLed ? body : tokens.slice(isLed ? begun : 0),
    count: undefined,
    modifiers,
    notes: [],
  };
}

/** What stands before the first token of a kind, and what behind it. */
function splitAt(tokens: readonly Token[], kind: RegExp) {
  const at = tokens.findIndex(({ key }) => kind.test(key));
  if (at < 0) return { before: [], body: undefined, joint: undefined };
  return { before: tokens.slice(0, at), body: tokens.slice(at + 1), joint: tokens[at]?.key };
}
