import { type Context, readTarget } from "./reference.ts";
import { readSelection } from "./selection.ts";
import { follow, followAny, spell, type Token, textOf } from "./tokens.ts";
import { SEVERAL } from "./vocabulary.ts";
import { unclear, type Wish } from "./wish.ts";

const QUESTIONS = ["what|what's|which|do|are|have", "is there", "any"];
const COMMANDS = ["show|list|display|view|see|print|tell|give|get|read me?"];

/** Reads `show my tasks`, `what is due this week?`, `how many are overdue?`, `find milk`, `show #3`. */
export function readList(tokens: readonly Token[], context: Context): Wish | undefined {
  const found = followAny(tokens, 0, ["find me?", "search for?", "look for"]);
  if (found !== undefined) return readFind(tokens.slice(found), context);
  const single = readSingle(tokens, context);
  if (single !== undefined) return single;
  const counted = followAny(tokens, 0, ["how many", "count"]);
  const asked = followAny(tokens, 0, QUESTIONS) === undefined || tokens.length < 2 ? undefined : 0;
  const begun = counted ?? followAny(tokens, 0, COMMANDS) ?? asked;
  const selection = readSelection(tokens.slice(begun ?? 0), context.now);
  if ("hint" in selection) return begun === undefined ? undefined : selection;
  // Without a verb, one of the words must speak of tasks: "overdue tasks", "all completed", "my list".
  const isNarrow = selection.saysAll || Object.keys(selection.filter).length > 0;
  if (begun === undefined && !isNarrow && !tokens.some(({ key }) => SEVERAL.has(key) || key === "list"))
    return undefined;
  return { type: "list", selection, isCount: counted !== undefined };
}

/** `find milk`, `find tasks tagged work`, `find milk due tomorrow`: words of a title, and what else is known. */
function readFind(words: readonly Token[], { now }: Context): Wish {
  const named = followAny(words, 0, ["all? the|my? tasks|task? with|about|containing|called|named|for", "tasks|task"]);
  const search = words.slice(named ?? 0);
  if (search.length === 0) return unclear(spell(words), "say what to look for, such as “find milk”");
  const isKind = words[0] !== search[0] || search.some(({ key }) => SEVERAL.has(key));
  for (let at = isKind ? 0 : 1; at < search.length; at++) {
    const selection = readSelection(search.slice(at), now);
    if ("hint" in selection || Object.keys(selection.filter).length === 0) continue;
    const text = at === 0 ? {} : { search: textOf(search.slice(0, at)) };
    return { type: "list", selection: { ...selection, filter: { ...text, ...selection.filter } }, isCount: false };
  }
  return { type: "list", selection: { filter: { search: textOf(search) }, saysAll: true }, isCount: false };
}

/** `show task 3`, `what is #3?`, `show me the milk task`, `details of milk`, `when is milk due?`. */
function readSingle(tokens: readonly Token[], context: Context): Wish | undefined {
  const asked = followAny(tokens, 0, [
    "show|give|tell me? the? details of|about|for",
    "tell me about",
    "details of|about|for",
  ]);
  const isDue = follow(tokens, 0, "when is|are") !== undefined && tokens.at(-1)?.key === "due";
  const shown = followAny(tokens, 0, ["show|open|read|view|display|get|see me?", "what|what's is?"]);
  const words = isDue ? tokens.slice(2, -1) : tokens.slice(asked ?? shown ?? 0);
  const isNumber = /^#\d+$/.test(words[0]?.key ?? "") || follow(words, 0, "the? task *") === words.length;
  const isNamed = words.length > 1 && words.at(-1)?.key === "task";
  const isPointed = followAny(words, 0, ["it|that|this", "the? first|second|third|last one|task?"]) === words.length;
  if (!isDue && asked === undefined && (shown === undefined || !(isNumber || isNamed || isPointed))) return undefined;
  const target = readTarget(words, context);
  return target.type === "unclear" ? target : { type: "show", target };
}
