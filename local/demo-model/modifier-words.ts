import type { Now } from "./calendar.ts";
import type { Phrase } from "./day-phrase.ts";
import { readDue } from "./due-phrase.ts";
import { readDuration } from "./duration-phrase.ts";
import { follow, followAny, spell, type Token, textOf } from "./tokens.ts";
import { PRIORITIES, USUAL_LISTS } from "./vocabulary.ts";
import { type Modifiers, type Status, unclear } from "./wish.ts";

/** One thing that is said of a task. */
export type Part = Partial<Modifiers>;

/** In a new task `high` is a word of its title; where a task is changed `to high`, it is a priority. */
export type Place = "new" | "changed";

/** `#work`, `tagged work and home`, `with the tag work`. */
export function readTags(tokens: readonly Token[], at: number, now: Now): Phrase<Part> | undefined {
  const begun = followAny(tokens, at, ["tagged as|with?", "with|and? the? tag|tags|label"]);
  const tags: string[] = [];
  let next = begun ?? at;
  let token = tokens[next];
  while (token !== undefined && (token.kind === "tag" || (begun !== undefined && isName(token)))) {
    tags.push(token.text.toLowerCase());
    next += 1;
    const second = follow(tokens, next, "and");
    token = tokens[second ?? next];
    // "tagged work and home" has two tags; "tagged work and due tomorrow" has one.
    const isLast = second === undefined || /^$|^,|^and$/.test(tokens[second + 1]?.key ?? "");
    if (second === undefined || !(token?.kind === "tag" || (isLast && readDue(tokens, second, now) === undefined)))
      break;
    if (isName(token)) next = second;
  }
  return tags.length === 0 ? undefined : { value: { tags }, next };
}

function isName(token: Token | undefined): boolean {
  if (token?.kind === "quoted" || token?.kind === "tag") return true;
  return token?.kind === "word" && /^\p{L}/u.test(token.key) && !PRIORITIES.some((level) => level === token.key);
}

/** `high priority`, `priority high`, `urgent`; where a task is changed, `high` and `normal` alone. */
export function readPriority(tokens: readonly Token[], at: number, place: Place): Phrase<Part> | undefined {
  const begun = follow(tokens, at, "with|of|as|at|in|to? a?") ?? at;
  const level = (key: string | undefined) => PRIORITIES.find((priority) => priority === key);
  const before = level(tokens[begun]?.key);
  const behind = before === undefined ? undefined : follow(tokens, begun + 1, "priority");
  if (before !== undefined && behind !== undefined) return { value: { priority: before }, next: behind };
  const named = follow(tokens, begun, "priority :|to|is?");
  const after = named === undefined ? undefined : level(tokens[named]?.key);
  if (named !== undefined && after !== undefined) return { value: { priority: after }, next: named + 1 };
  const joined = level(/^(\w+)-priority$/.exec(tokens[begun]?.key ?? "")?.[1]);
  if (joined !== undefined) return { value: { priority: joined }, next: begun + 1 };
  if (before === "urgent" || (before !== undefined && place === "changed" && begun + 1 === tokens.length)) {
    return { value: { priority: before }, next: begun + 1 };
  }
  const none = place === "changed" ? followAny(tokens, begun, ["no|normal priority", "none|normal"]) : undefined;
  return none === undefined ? undefined : { value: { priority: "none" }, next: none };
}

/** `takes 30 minutes`, `which takes an hour`. */
export function readEstimate(tokens: readonly Token[], at: number): Phrase<Part> | undefined {
  const begun = follow(tokens, at, "that|which? will? take|takes|taking");
  const duration = begun === undefined ? undefined : readDuration(tokens, begun);
  return duration && { value: { estimate_minutes: duration.value }, next: duration.next };
}

/** What states are called. */
const STATES: readonly (readonly [pattern: string, status: Status])[] = [
  ["in progress", "in_progress"],
  ["in-progress|started|ongoing|active", "in_progress"],
  ["not yet? done|complete|completed|finished|started", "pending"],
  ["pending|open|todo|undone|incomplete|unfinished|uncompleted", "pending"],
  ["done|complete|completed|finished", "completed"],
  ["cancelled|canceled", "cancelled"],
];

export function readStatus(tokens: readonly Token[], at: number): Phrase<Part> | undefined {
  const begun = follow(tokens, at, "as|to|status? to?") ?? at;
  for (const [pattern, status] of STATES) {
    const next = follow(tokens, begun, pattern);
    if (next !== undefined) return { value: { status }, next };
  }
  return undefined;
}

/** What is common to say of a task and means nothing here. */
export function readUnknown(tokens: readonly Token[], at: number): Phrase<Part> | undefined {
  const begun = follow(tokens, at, "as|very|with") ?? at;
  const isUnknown = /^(?:important|critical|p[0-5]|!+\w*|prio\w*)$/.test(tokens[begun]?.key ?? "");
  if (!isUnknown) return undefined;
  const what = spell(tokens.slice(at, begun + 1));
  return { value: { unclear: unclear(what, "priorities are low, medium, high and urgent priority") }, next: begun + 1 };
}

/** `to groceries`, `on my shopping list`; "my list" and "my tasks" are all there is, and no list of their own. */
export function readList(tokens: readonly Token[], at: number): Phrase<Part> | undefined {
  const begun = follow(tokens, at, "to|on|in|into|onto|under|from|off");
  if (begun === undefined) return undefined;
  const own = followAny(tokens, begun, ["my|the|our? task|tasks|todo|to-do|to-dos|todos? list", "my|the tasks|todos"]);
  if (own !== undefined) return { value: { tags: [] }, next: own };
  const name = follow(tokens, begun, "my|the|our") ?? begun;
  for (let next = name + 1; next <= name + 3; next++) {
    const words = tokens.slice(name, next);
    if (!words.every(isListWord)) return undefined;
    const list = follow(tokens, next, "list");
    if (list !== undefined) return { value: { tags: [textOf(words).toLowerCase()] }, next: list };
  }
  const usual = tokens[name];
  if (usual === undefined || !USUAL_LISTS.has(usual.key)) return undefined;
  return { value: { tags: [usual.key] }, next: name + 1 };
}

function isListWord({ kind, key }: Token): boolean {
  return kind === "quoted" || kind === "tag" || (kind === "word" && !/^(?:to|do|on|in|list|and|the|my)$/.test(key));
}
