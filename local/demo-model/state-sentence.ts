import { ANY, FINISHED, OPEN } from "./change-wish.ts";
import { type Context, readTarget } from "./reference.ts";
import { follow, followAny, spell, type Token } from "./tokens.ts";
import { type Status, unclear, type Wish } from "./wish.ts";

/** What brings a task into a state, or into somebody's hands, and in which state it is before. */
interface Deed {
  readonly tool: "complete_task" | "delete_task" | "update_task";
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly among: readonly Status[];
}

const complete: Deed = { tool: "complete_task", among: OPEN };
const start: Deed = { tool: "update_task", fields: { status: "in_progress" }, among: ["pending"] };
const reopen: Deed = { tool: "update_task", fields: { status: "pending" }, among: FINISHED };

/** For how many minutes a task is claimed. */
const USUAL_CLAIM = 30;

/** What such sentences begin with, and what they may end with. */
const verbs: readonly (readonly [begin: string, end: string | undefined, deed: Deed])[] = [
  ["check|tick|cross off", undefined, complete],
  ["check|tick|cross", "off", complete],
  ["complete|finish|close", "as? done|complete|completed|finished?", complete],
  ["done with|:?", undefined, complete],
  ["i have|already? already? finished|completed|done", undefined, complete],
  ["i've already? finished|completed|done", undefined, complete],
  ["i already? did", undefined, complete],
  ["reopen|re-open|uncomplete|uncheck|untick", undefined, reopen],
  ["start working? on?", undefined, start],
  ["begin with?", undefined, start],
  ["i am working on", undefined, start],
  ["i'm working on", undefined, start],
  [
    "stop|pause working? on?",
    undefined,
    { tool: "update_task", fields: { status: "pending" }, among: ["in_progress"] },
  ],
  ["cancel", undefined, { tool: "update_task", fields: { status: "cancelled" }, among: OPEN }],
  ["claim", undefined, { tool: "update_task", fields: { claim_minutes: USUAL_CLAIM }, among: OPEN }],
  ["release|unclaim", undefined, { tool: "update_task", fields: { release: true }, among: OPEN }],
  ["delete|remove|erase", undefined, { tool: "delete_task", among: ANY }],
];

/** Reads `complete milk`, `milk is done`, `start the report`, `reopen #3`, `delete all completed tasks`, `release #3`. */
export function readDeed(tokens: readonly Token[], context: Context): Wish | undefined {
  const done = followBack(tokens, ["is|are now|already? done|complete|completed|finished"]);
  if (done !== undefined && done > 0 && !/^(?:is|are|what|which|how|show|list|find|tell)$/.test(tokens[0]?.key ?? "")) {
    return act(tokens.slice(0, done), complete, context);
  }
  for (const [begin, end, deed] of verbs) {
    const begun = follow(tokens, 0, begin);
    if (begun === undefined) continue;
    const ended = end === undefined ? undefined : followBack(tokens, [end]);
    if (end !== undefined && !end.endsWith("?") && ended === undefined) continue;
    const words = tokens.slice(begun, ended === undefined ? undefined : Math.max(ended, begun));
    // "cancel that" undoes what was said rather than giving up a task.
    if (begin === "cancel" && (words.length === 0 || followAny(words, 0, ["it|that|this"]) === words.length)) {
      return unclear(spell(tokens), "say “delete” or “cancel” with the task's title or number");
    }
    return act(words, deed, context);
  }
  return undefined;
}

function act(words: readonly Token[], { tool, fields = {}, among }: Deed, context: Context): Wish {
  const target = readTarget(words, context);
  if (target.type === "unclear") return target;
  return { type: "change", tool, target, among, change: { type: "set", fields }, notes: [] };
}

/** Where a pattern begins that ends with the last token; undefined where there is none. */
function followBack(tokens: readonly Token[], patterns: readonly string[]): number | undefined {
  const at = tokens.findIndex((_, index) => followAny(tokens, index, patterns) === tokens.length);
  return at < 0 ? undefined : at;
}
