import type { Now } from "./calendar.ts";
import type { Phrase } from "./day-phrase.ts";
import { type DueDays, readDueDays } from "./due-days.ts";
import { readList } from "./modifier-words.ts";
import { readModifiers } from "./modifiers.ts";
import { follow, followAny, spell, type Token, textOf } from "./tokens.ts";
import { THINGS, USUAL_LISTS } from "./vocabulary.ts";
import { type Selection, type Unclear, unclear } from "./wish.ts";

type Part = DueDays & { readonly saysAll?: boolean };
type ReadPart = (tokens: readonly Token[], at: number, now: Now) => Phrase<Part | Unclear> | undefined;

/** Words that a question about tasks is made of and that narrow nothing. */
const FILLERS = [
  "what|which|that|there|me|my|mine|the|a|of|is|are|am|i|we|you|do|does|have|has|got|to|for|on|in|with|and",
  "what's|there's|i've|still|left|currently|now|right|please|planned|need|must|anything|something|should|can|see|be|list|again",
];

/**
 * Reads a question's words, or the words of a kind of tasks, to the last: a word that is not understood makes the
 * whole unclear, as a filter that leaves it out would show other tasks than were asked for.
 */
export function readSelection(words: readonly Token[], now: Now): Selection | Unclear {
  const tokens = words.map(withoutOwner);
  const parts: Part[] = [];
  let at = 0;
  while (at < tokens.length) {
    const phrase = readPart(tokens, at, now);
    if (phrase === undefined) return notKnown(tokens.slice(at));
    if ("hint" in phrase.value) return phrase.value;
    parts.push(phrase.value);
    at = phrase.next;
  }
  const { isDue, saysAll = false, ...all }: Part = Object.assign({}, ...parts);
  const kept = new Map(Object.entries(all));
  if (
    parts.some((part) =>
      Object.entries(part).some(([key, value]) => key !== "tags" && kept.has(key) && kept.get(key) !== value),
    )
  ) {
    return unclear(spell(tokens), "ask for one kind of tasks at a time");
  }
  const tagged = new Set(parts.flatMap(({ tags }) => (tags === undefined || tags.length === 0 ? [] : [tags.join()])));
  if (tagged.size > 1) return unclear(spell(tokens), "ask for one list at a time");
  const tags = [...new Set(parts.flatMap((part) => part.tags ?? []))];
  const { due, due_from: from, due_before: before, ...others } = all;
  const filter = {
    ...others,
    ...(all.status === "completed" && isDue === undefined && due !== "no_date"
      ? {
          ...(from !== undefined && { completed_from: from }),
          ...(before !== undefined && { completed_before: before }),
        }
      : due === undefined
        ? { ...(from !== undefined && { due_from: from }), ...(before !== undefined && { due_before: before }) }
        : { due }),
    ...(tags.length > 0 && { tags }),
  };
  return { filter, saysAll };
}

/** "today's tasks" are those of today. */
function withoutOwner(token: Token): Token {
  const isDay = token.kind === "word" && /(?:day|tomorrow|week|month)'s$/.test(token.key);
  return isDay ? { ...token, key: token.key.slice(0, -2) } : token;
}

function readPart(tokens: readonly Token[], at: number, now: Now): Phrase<Part | Unclear> | undefined {
  for (const read of [readOrder, readText, readTagged, readAll, readStatus, readDueDays, readPriority, readFiller]) {
    const phrase = read(tokens, at, now);
    if (phrase !== undefined) return phrase;
  }
  return undefined;
}

const readOrder: ReadPart = (tokens, at) => {
  const begun = follow(tokens, at, "sorted|ordered? by");
  const next = begun === undefined ? undefined : follow(tokens, begun, "priority|date|due|creation? date?");
  if (begun === undefined || next === undefined) return undefined;
  return { value: tokens[begun]?.key === "priority" ? { order: "priority" } : {}, next };
};

/** `about milk`, `containing "milk"`: all the words behind. */
const readText: ReadPart = (tokens, at) => {
  const begun = followAny(tokens, at, ["about|containing|mentioning|matching", "with|called|named"]);
  const rest = begun === undefined ? [] : tokens.slice(begun);
  const isQuoted = rest.length === 1 && rest[0]?.kind === "quoted";
  if (rest.length === 0 || !(isQuoted || follow(tokens, at, "about|containing|mentioning|matching"))) return undefined;
  return { value: { search: textOf(rest) }, next: tokens.length };
};

/** `#work`, `tagged work`, `in work`, `my shopping list`, `groceries`. */
const readTagged: ReadPart = (tokens, at, now) => {
  for (let next = tokens.length; next > at; next--) {
    const isTagged = tokens[at]?.kind === "tag" || /^(?:tagged|with|tag)$/.test(tokens[at]?.key ?? "");
    const tags = isTagged ? readModifiers(tokens.slice(0, next), at, now, "changed") : undefined;
    if (tags !== undefined && tags.tags.length > 0 && Object.keys(tags).length === 2)
      return { value: { tags: tags.tags }, next };
  }
  const place = follow(tokens, at, "on|in|from|under");
  const list = place === undefined ? undefined : readList(tokens, at);
  if (list !== undefined) return { value: { tags: list.value.tags ?? [] }, next: list.next };
  for (let next = at + 1; next <= at + 3; next++) {
    const words = tokens.slice(at, next);
    if (words.length < next - at || words.some((token) => isKnown(token, now))) break;
    const end = follow(tokens, next, "list");
    if (end !== undefined) return { value: { tags: [textOf(words).toLowerCase()] }, next: end };
  }
  const usual = tokens[at];
  return usual?.kind === "word" && USUAL_LISTS.has(usual.key)
    ? { value: { tags: [usual.key] }, next: at + 1 }
    : undefined;
};

function isKnown(token: Token, now: Now): boolean {
  const tokens = [token];
  if (token.kind === "quoted") return false;
  return [readStatus, readDueDays, readPriority, readAll, readFiller].some(
    (read) => read(tokens, 0, now) !== undefined,
  );
}

const readStatus: ReadPart = (tokens, at) => {
  const states = [
    [
      "open",
      [
        "open|unfinished|incomplete|uncompleted|undone|active|outstanding|remaining",
        "not yet? done|complete|completed|finished yet?",
      ],
    ],
    ["ready", ["ready to? claim|take?", "free to claim|take"]],
    ["in_progress", ["in progress", "in-progress|started|ongoing"]],
    ["pending", ["pending", "not yet? started|begun yet?"]],
    [
      "completed",
      [
        "did|have|has i|we already? do|done|complete|completed|finish|finished|get?",
        "done|complete|completed|finished",
      ],
    ],
    ["cancelled", ["cancelled|canceled"]],
  ] as const;
  for (const [status, patterns] of states) {
    const next = followAny(tokens, at, patterns);
    if (next !== undefined) return { value: { status }, next };
  }
  return undefined;
};

const readPriority: ReadPart = (tokens, at, now) => {
  for (const next of [at + 3, at + 2, at + 1]) {
    const modifiers = next > tokens.length ? undefined : readModifiers(tokens.slice(0, next), at, now, "changed");
    const { priority, tags = [], notes, ...others } = modifiers ?? {};
    const isAlone = tags.length === 0 && Object.keys(others).length === 0;
    if (priority !== undefined && isAlone) return { value: { priority }, next };
  }
  return undefined;
};

const readAll: ReadPart = (tokens, at) => {
  const next = follow(tokens, at, "all|everything|every|each|any");
  return next === undefined ? undefined : { value: { saysAll: true }, next };
};

const readFiller: ReadPart = (tokens, at) => {
  const token = tokens[at];
  if (token === undefined) return undefined;
  const isAtEnd = at === tokens.length - 1 && /^(?:next|first)$/.test(token.key);
  const isFiller = isAtEnd || THINGS.has(token.key) || /^(?:things|ones|stuff|[,:.?!]+)$/.test(token.key);
  const next = isFiller ? at + 1 : followAny(tokens, at, FILLERS);
  return next === undefined ? undefined : { value: {}, next };
};

function notKnown(rest: readonly Token[]): Unclear {
  const what = spell(rest.slice(0, 1));
  return unclear(what, "for a list say “the groceries list”, for a tag “#groceries”, for words in a title “find milk”");
}
