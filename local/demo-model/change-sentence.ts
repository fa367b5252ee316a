import { type Phrase, readSpan } from "./day-phrase.ts";
import { readModifiers, splitModifiers } from "./modifiers.ts";
import { type Context, readTarget } from "./reference.ts";
import { follow, followAny, spell, type Token, titleOf } from "./tokens.ts";
import { type Change, type Modifiers, type Status, type Target, type Unclear, unclear, type Wish } from "./wish.ts";

export const OPEN: readonly Status[] = ["pending", "in_progress"];
export const FINISHED: readonly Status[] = ["completed", "cancelled"];
export const ANY: readonly Status[] = [...OPEN, ...FINISHED];

/** What is said where tags are to be changed: they are set as a whole, and the text of a task need not show them all. */
export const CANNOT_TAG = "I cannot change the tags of a task that is there";

type ReadChange = (tokens: readonly Token[], context: Context) => Wish | undefined;

/** Reads `move milk to friday`, `change call mom to high priority`, `rename milk to oat milk`, `postpone milk by a week`. */
export const readChange: ReadChange = (tokens, context) => {
  for (const read of [readRename, readClear, readPostpone, readSetting]) {
    const wish = read(tokens, context);
    if (wish !== undefined) return wish;
  }
  return undefined;
};

/** `rename milk to oat milk`, `change the title of milk to oat milk`, `change milk to "oat milk"`. */
const readRename: ReadChange = (tokens, context) => {
  const named = followAny(tokens, 0, ["rename", "change|edit|set|update the? title|name of|for"]);
  const isQuoted = tokens.at(-1)?.kind === "quoted" && /^(?:to|into)$/.test(tokens.at(-2)?.key ?? "");
  const begun = named ?? (isQuoted ? follow(tokens, 0, "change|edit|update") : undefined);
  if (begun === undefined) return undefined;
  const rest = tokens.slice(begun);
  const joints = rest.flatMap(({ key }, index) => (index > 0 && /^(?:to|into|as)$/.test(key) ? [index] : []));
  // Of several "to", the one beside a quotation parts the titles.
  const beside = joints.filter((at) => rest[at - 1]?.kind === "quoted" || (isQuoted && at + 2 === rest.length));
  const [joint, ...more] = beside.length > 0 ? beside : joints;
  const title = joint === undefined ? "" : titleOf(rest.slice(joint + 1));
  if (joint === undefined || more.length > 0 || title === "") {
    return unclear(spell(rest), "say “rename milk to oat milk”, with titles that contain “to” in quotes");
  }
  return update(rest.slice(0, joint), context, { type: "set", fields: { title } }, ANY);
};

const FIELDS = "due|deadline|priority|tags|description";

/** `remove the due date of milk`, `clear the priority of milk`. */
const readClear: ReadChange = (tokens, context) => {
  const begun = follow(tokens, 0, "remove|clear|delete|drop the|all?");
  const named = begun === undefined ? undefined : follow(tokens, begun, FIELDS);
  const field = begun === undefined ? undefined : tokens[begun]?.key;
  const joint = named === undefined ? undefined : follow(tokens, named, "date? of|from|for");
  if (joint === undefined || field === undefined) return undefined;
  const clear = field === "deadline" ? "due" : field;
  return update(tokens.slice(joint), context, { type: "set", fields: { clear: [clear] } }, ANY);
};

/** `postpone milk to friday`, `push milk by 2 days`, `delay everything a week`, `put milk off until monday`. */
const readPostpone: ReadChange = (tokens, context) => {
  const begun = followAny(tokens, 0, ["postpone|delay|defer|snooze", "push back?", "put off"]);
  const off = tokens.findIndex(({ key }, index) => index > 1 && key === "off");
  const isPutOff = begun === undefined && follow(tokens, 0, "put") !== undefined && off > 0;
  if (begun === undefined && !isPutOff) return undefined;
  const rest = isPutOff ? [...tokens.slice(1, off), ...tokens.slice(off + 1)] : tokens.slice(begun);
  const span = findSpan(rest);
  if (span !== undefined) {
    return update(withoutBack(rest.slice(0, span.next)), context, { type: "postpone", by: span.value }, OPEN);
  }
  const { head, modifiers } = splitModifiers(rest, context.now, "changed");
  const target = readTarget(withoutBack(head), context);
  if (target.type === "unclear") return target;
  if (modifiers === undefined) {
    const isSaid = rest.some(({ key }) => /^(?:to|until|till|by|for)$/.test(key));
    return isSaid ? unclearTail(rest, spell(rest), POSTPONE_HINT) : { type: "no_day", target, problem: undefined };
  }
  if (modifiers.unclear !== undefined) return { type: "no_day", target, problem: modifiers.unclear };
  if (Object.keys(modifiers).some((key) => !/^(?:due|tags|notes)$/.test(key)) || modifiers.tags.length > 0) {
    return unclear(spell(rest), POSTPONE_HINT);
  }
  if (modifiers.due !== undefined && modifiers.due.slice(0, 10) < context.now.day) {
    return unclear(spell(rest.slice(head.length)), "that has passed");
  }
  return setFields(target, modifiers);
};

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

const SUBJECT = "the? due|deadline|date|priority|status date? of|for";

/** `move milk to friday`, `set milk to high priority`, `mark milk as in progress`, `set the priority of milk to high`. */
const readSetting: ReadChange = (tokens, context) => {
  if (follow(tokens, 0, "give me") !== undefined) return undefined;
  const verb = follow(tokens, 0, "change|move|set|make|mark|edit|update|reschedule|give|put|flag");
  if (verb === undefined) return undefined;
  const begun = follow(tokens, verb, SUBJECT) ?? verb;
  const field = begun === verb ? "" : (tokens.slice(verb, begun).find(({ key }) => key !== "the")?.key ?? "");
  const rest = tokens.slice(begun);
  const { head: words, modifiers } = splitModifiers(rest, context.now, "changed");
  const whole = spell(tokens.slice(verb));
  if (modifiers === undefined) return unclearTail(rest, whole, SETTING_HINT);
  if (modifiers.unclear !== undefined) return modifiers.unclear;
  if (modifiers.tags.length > 0) return unclear(whole, CANNOT_TAG);
  const { head, named } = withoutField(words);
  if (!fits(field || named, modifiers))
    return unclear(whole, "say “set the priority of milk to high” or “move milk to friday”");
  const target = readTarget(withoutOldDay(head, context), context);
  return target.type === "unclear" ? target : setFields(target, modifiers);
};

/** "milk's priority" is about milk; the field itself may have been read with what it is set to. */
function withoutField(words: readonly Token[]): { readonly head: readonly Token[]; readonly named: string } {
  const owner = words.findIndex(({ kind, key }) => kind === "word" && /'s$/.test(key));
  const last = owner < 0 ? undefined : words[owner];
  const isField = owner + 1 === words.length || follow(words, owner + 1, `${FIELDS}|status date?`) === words.length;
  if (last === undefined || !isField) return { head: words, named: "" };
  const bare = { ...last, text: last.text.slice(0, -2), key: last.key.slice(0, -2) };
  return { head: [...words.slice(0, owner), bare], named: words[owner + 1]?.key ?? "" };
}

function fits(field: string, { due, priority, status }: Modifiers): boolean {
  if (field === "") return true;
  const given = field === "priority" ? priority : field === "status" ? status : due;
  return given !== undefined && [due, priority, status].filter((one) => one !== undefined).length === 1;
}

/** "move milk from monday to friday" is about milk. */
function withoutOldDay(head: readonly Token[], { now }: Context): readonly Token[] {
  const from = head.findLastIndex(({ key }) => key === "from");
  const isDay = from > 0 && readModifiers(head, from + 1, now, "changed")?.due !== undefined;
  return isDay ? head.slice(0, from) : head;
}

/** Changes what is said; a task that is completed by it goes through the tool for that. */
export function setFields(target: Target, { due, priority, status, notes }: Modifiers): Wish {
  const fields = {
    ...(due !== undefined && { due }),
    ...(priority !== undefined && { priority }),
    ...(status !== undefined && { status }),
  };
  if (status === "completed" && Object.keys(fields).length === 1) {
    return { type: "change", tool: "complete_task", target, among: OPEN, change: { type: "set", fields: {} }, notes };
  }
  const among = status === "pending" ? ANY : OPEN;
  return { type: "change", tool: "update_task", target, among, change: { type: "set", fields }, notes };
}

function update(words: readonly Token[], context: Context, change: Change, among: readonly Status[]): Wish {
  const target = readTarget(words, context);
  return target.type === "unclear" ? target : { type: "change", tool: "update_task", target, among, change, notes: [] };
}

const POSTPONE_HINT = "say “postpone milk to friday” or “by 2 days”";
const SETTING_HINT = "it is no day, priority or state; for another title say “rename milk to oat milk”";

function unclearTail(rest: readonly Token[], whole: string, hint: string): Unclear {
  const to = rest.findLastIndex(({ key }) => /^(?:to|as|by|for|until|till)$/.test(key));
  return unclear(to < 0 ? whole : spell(rest.slice(to + 1)), hint);
}
