import type { Now } from "./calendar.ts";
import { readSelection } from "./selection.ts";
import { follow, followAny, spell, type Token, textOf } from "./tokens.ts";
import { readCount, readPlace, SEVERAL, THINGS } from "./vocabulary.ts";
import { type Name, type Target, type Unclear, unclear } from "./wish.ts";

/** What a sentence is understood by, beside its words. */
export interface Context {
  readonly now: Now;
  /** The ids of the tasks that the last answer has named, in its order. */
  readonly listed: readonly number[];
}

const EXCEPTION = /^(?:except|excluding|but|without|unless|besides|not|only|either|or|if|when|then)$/;

/** Reads which tasks are meant: `milk and eggs`, `#3`, `all overdue tasks`, `it`, `the second one`. */
export function readTarget(tokens: readonly Token[], context: Context): Target | Unclear {
  if (tokens.length === 0) return unclear("", "say which task");
  const exception = tokens.find(({ kind, key }) => kind === "word" && EXCEPTION.test(key));
  if (exception !== undefined) {
    return unclear(spell([exception]), "name the tasks one by one, or put a title in quotes");
  }
  return readPointer(tokens, context) ?? readAll(tokens, context) ?? readNumbers(tokens) ?? readNames(tokens);
}

/** `it`, `both of them`, `the first one`: what the last answer has named. */
function readPointer(tokens: readonly Token[], { listed }: Context): Target | Unclear | undefined {
  const what = spell(tokens);
  if (isWhole(tokens, ["it|that|this one|task?", "the|that|this task"])) {
    const [id, ...more] = new Set(listed);
    return id === undefined || more.length > 0
      ? unclear(what, "say which task, by its number or title")
      : numbers([id]);
  }
  if (isWhole(tokens, ["them all?", "all|both? of? them|these|those", "both"])) {
    if (listed.length === 0) return unclear(what, "say which tasks");
    const isBoth = tokens.some(({ key }) => key === "both");
    return isBoth && listed.length !== 2 ? unclear(what, `there are ${listed.length}`) : numbers(listed);
  }
  const ids = readPlaces(tokens, listed);
  if (ids === undefined) return undefined;
  return ids.length > 0 ? numbers(ids) : unclear(what, "show your tasks first, or say a task's number");
}

/** `the second one`, `the first and the third`, `the first two`: their ids, or none where there are not as many. */
function readPlaces(tokens: readonly Token[], listed: readonly number[]): readonly number[] | undefined {
  const begun = follow(tokens, 0, "the? first|last");
  const count = begun === undefined || tokens[begun] === undefined ? undefined : readCount(tokens[begun].key);
  if (begun !== undefined && count !== undefined && count > 1) {
    const isAll =
      begun + 1 === tokens.length || follow(tokens, begun + 1, "of? them|these|those|tasks|ones") === tokens.length;
    if (!isAll) return undefined;
    const isLast = tokens[begun - 1]?.key === "last";
    return count > listed.length ? [] : isLast ? listed.slice(-count) : listed.slice(0, count);
  }
  const words = tokens.filter(({ key }) => !/^(?:the|one|ones|task|tasks|,|and|&)$/.test(key));
  const places = words.map(({ kind, key }) => (kind === "word" ? readPlace(key) : undefined));
  const joints = tokens.filter(({ key }) => /^(?:,|and|&)$/.test(key)).length;
  if (places.length === 0 || places.includes(undefined) || joints < places.length - 1) return undefined;
  const ids = places.map((place = 0) => listed.at(place < 0 ? place : place - 1));
  return ids.some((id) => id === undefined) ? [] : ids.flatMap((id) => id ?? []);
}

/** All tasks, or all of a kind. */
function readAll(tokens: readonly Token[], { now }: Context): Target | Unclear | undefined {
  const begun = follow(tokens, 0, "all|every|everything|each|any");
  const isOfKind = tokens.some(({ kind, key }) => kind === "word" && SEVERAL.has(key));
  const isCounted = followAny(tokens, 0, ["the? task|tasks #?"]) !== undefined || readNumbers(tokens) !== undefined;
  if (begun === undefined && (!isOfKind || isCounted)) return undefined;
  const selection = readSelection(tokens, now);
  // "buy things for the party" is no kind of tasks but a title.
  if ("type" in selection) return begun === undefined ? undefined : selection;
  const isKind = Object.keys(selection.filter).length > 0;
  if (begun === undefined && !isKind) return unclear(spell(tokens), "say “all tasks”, or name them");
  return { type: "all", selection };
}

/** `3`, `#3`, `tasks 3, 4 and 5`. */
function readNumbers(tokens: readonly Token[]): Target | Unclear | undefined {
  const begun = follow(tokens, 0, "the? task|tasks|number|numbers? number?") ?? 0;
  const rest = tokens.slice(begun).filter(({ key }) => !/^(?:,|;|and|&)$/.test(key));
  if (rest.length === 0) return undefined;
  const counted =
    readCount(rest[0]?.key) !== undefined &&
    !/^an?$/.test(rest[0]?.key ?? "") &&
    rest.length > 1 &&
    THINGS.has(rest[1]?.key ?? "");
  if (counted || rest.some(({ key }) => /^#?\d+(?:-|–|\.\.)#?\d+$/.test(key)) || isRange(rest)) {
    return unclear(spell(tokens), "name each by its number, such as “tasks 3, 4 and 5”");
  }
  const ids = rest.map(({ key }) => /^#?(\d{1,9})$/.exec(key)?.[1]);
  return ids.every((id) => id !== undefined) ? numbers(ids.map(Number)) : undefined;
}

function isRange(tokens: readonly Token[]): boolean {
  return (
    tokens.length === 3 && /^#?\d+$/.test(tokens[0]?.key ?? "") && /^(?:to|through|until)$/.test(tokens[1]?.key ?? "")
  );
}

/** One title, or several with commas and "and" between them; "eggs from groceries" may be eggs with that tag. */
function readNames(tokens: readonly Token[]): Target | Unclear {
  const listAt = tokens.findLastIndex(({ key }) => /^(?:from|in|on|off)$/.test(key));
  const list = listAt > 0 ? readListName(tokens.slice(listAt + 1)) : undefined;
  const whole = toName(tokens, undefined);
  const parts = splitNames(tokens, undefined);
  const readings = [
    whole === undefined ? [] : [whole],
    parts.length > 1 ? parts : [],
    list === undefined ? [] : splitNames(tokens.slice(0, listAt), list),
  ].filter((names) => names.length > 0);
  return readings.length === 0 ? unclear(spell(tokens), "say which task") : { type: "named", readings };
}

/** `groceries`, `my groceries list`; "my list" is no list of its own: it is the empty name. */
function readListName(tokens: readonly Token[]): string | undefined {
  const words = tokens.filter(({ key }) => !/^(?:my|the|task|tasks|list|to-?do)$/.test(key));
  return words.length > 3 ? undefined : textOf(words).toLowerCase();
}

function splitNames(tokens: readonly Token[], list: string | undefined): Name[] {
  const names: Name[] = [];
  let from = 0;
  for (let at = 0; at <= tokens.length; at++) {
    if (at < tokens.length && !/^(?:,|;|and|&)$/.test(tokens[at]?.key ?? "")) continue;
    const name = toName(tokens.slice(from, at), list);
    if (name !== undefined) names.push(name);
    // "milk, and eggs" has nothing between the joints; "milk and a task" names but one.
    else if (at > from) return [];
    from = at + 1;
  }
  return names;
}

function toName(tokens: readonly Token[], list: string | undefined): Name | undefined {
  const begun = followAny(tokens, 0, ["the|my? task|tasks called|named|titled|about?", "the|a|an|my"]) ?? 0;
  const isLastThing =
    tokens.length > begun + 1 && follow(tokens, tokens.length - 1, "task|tasks|reminder") !== undefined;
  const rest = tokens.slice(begun < tokens.length ? begun : 0, isLastThing ? -1 : undefined);
  const id = /^#?(\d{1,9})$/.exec(rest.length === 1 ? (rest[0]?.key ?? "") : "")?.[1];
  if (id !== undefined) return { type: "number", id: Number(id) };
  const words = textOf(rest);
  if (words === "" || (rest.length === 1 && isNobodysName(rest[0]))) return undefined;
  return { type: "title", words, isQuoted: rest.every(({ kind }) => kind === "quoted"), ...(list && { list }) };
}

function isNobodysName(token: Token | undefined): boolean {
  return (
    token?.kind === "word" && (THINGS.has(token.key) || /^(?:some|any|no)thing$|^(?:one|some|stuff)$/.test(token.key))
  );
}

function numbers(ids: readonly number[]): Target {
  return { type: "named", readings: [[...new Set(ids)].map((id) => ({ type: "number", id }))] };
}

function isWhole(tokens: readonly Token[], patterns: readonly string[]): boolean {
  return patterns.some((pattern) => follow(tokens, 0, pattern) === tokens.length);
}
