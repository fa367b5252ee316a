import { ANY, OPEN, setFields, unclearTail, update } from "./change-wish.ts";
import { readDuration } from "./duration-phrase.ts";
import { readModifiers, splitModifiers } from "./modifiers.ts";
import { readPostpone } from "./postpone-sentence.ts";
import { type Context, readTarget } from "./reference.ts";
import { follow, followAny, spell, type Token, titleOf } from "./tokens.ts";
import { type Modifiers, unclear, type Wish } from "./wish.ts";

type ReadChange = (tokens: readonly Token[], context: Context) => Wish | undefined;

/** Reads `move milk to friday`, `milk takes an hour`, `rename milk to oat milk`, `postpone milk by a week`. */
export const readChange: ReadChange = (tokens, context) => {
  for (const read of [readRename, readClear, readPostpone, readEstimate, readSetting]) {
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

const FIELDS = "due|deadline|priority|tags|description|estimate|schedule|recurrence|repetition";
const CLEARED: Readonly<Record<string, string>> = {
  deadline: "due",
  estimate: "estimate_minutes",
  schedule: "scheduled",
  repetition: "recurrence",
};

/** `remove the due date of milk`, `clear the priority of milk`. */
const readClear: ReadChange = (tokens, context) => {
  const stopped = follow(tokens, 0, "stop repeating");
  if (stopped !== undefined) {
    return update(tokens.slice(stopped), context, { type: "set", fields: { clear: ["recurrence"] } }, OPEN);
  }
  const begun = follow(tokens, 0, "remove|clear|delete|drop the|all?");
  const named = begun === undefined ? undefined : follow(tokens, begun, FIELDS);
  const field = begun === undefined ? undefined : tokens[begun]?.key;
  const joint = named === undefined ? undefined : follow(tokens, named, "date? of|from|for");
  if (joint === undefined || field === undefined) return undefined;
  return update(tokens.slice(joint), context, { type: "set", fields: { clear: [CLEARED[field] ?? field] } }, ANY);
};

/** `milk takes 30 minutes`, `the report will take 2 hours`, `estimate milk at half an hour`. */
const readEstimate: ReadChange = (tokens, context) => {
  const begun = follow(tokens, 0, "estimate") ?? 0;
  const joint = begun === 0 ? "will|should|would? take|takes" : "at|to|as|:";
  for (let at = begun + 1; at < tokens.length; at++) {
    const duration = readDuration(tokens, follow(tokens, at, joint) ?? tokens.length);
    if (duration?.next !== tokens.length) continue;
    const change = { type: "set", fields: { estimate_minutes: duration.value } } as const;
    return update(tokens.slice(begun, at), context, change, OPEN);
  }
  return undefined;
};

const SUBJECT = "the? due|deadline|date|priority|status date? of|for";

/** `move milk to friday`, `set milk to high priority`, `mark milk as in progress`, `set the priority of milk to high`. */
const readSetting: ReadChange = (tokens, context) => {
  if (follow(tokens, 0, "give me") !== undefined) return undefined;
  const verb = follow(tokens, 0, "change|move|set|make|mark|edit|update|reschedule|repeat|give|put|flag");
  if (verb === undefined) return undefined;
  const begun = follow(tokens, verb, SUBJECT) ?? verb;
  const field = begun === verb ? "" : (tokens.slice(verb, begun).find(({ key }) => key !== "the")?.key ?? "");
  const rest = tokens.slice(begun);
  const { head: words, modifiers } = splitModifiers(rest, context.now, "changed");
  const whole = spell(tokens.slice(verb));
  if (modifiers === undefined) return unclearTail(rest, whole, SETTING_HINT);
  if (modifiers.unclear !== undefined) return modifiers.unclear;
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

const SETTING_HINT = "it is no day, priority or state; for another title say “rename milk to oat milk”";
