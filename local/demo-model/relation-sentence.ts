import { OPEN } from "./change-wish.ts";
import { readList } from "./modifier-words.ts";
import { splitModifiers } from "./modifiers.ts";
import { type Context, readTarget } from "./reference.ts";
import { follow, followAny, spell, type Token } from "./tokens.ts";
import { type Named, type Relation, unclear, type Wish } from "./wish.ts";

/** What stands between two tasks, and which of them is told of the other. */
const joints: readonly (readonly [pattern: string, relation: Relation, isBehind?: true])[] = [
  ["is|are now? blocked by", "blocked_by"],
  ["depends|depend on", "blocked_by"],
  ["waits for|on", "blocked_by"],
  ["is|are waiting for|on", "blocked_by"],
  ["blocks|block", "blocked_by", true],
  ["is a? subtask|part of", "parent_id"],
];

const commands: readonly (readonly [begin: string, joint: string, relation: Relation])[] = [
  ["block", "by|with|on", "blocked_by"],
  ["make", "a|an|into|as? a? subtask|subtasks|part of", "parent_id"],
  ["move|put", "under|below|beneath", "parent_id"],
];

/** Reads `make milk a subtask of #3`, `block paint by sand`, `move milk under groceries run`. */
export function readRelation(tokens: readonly Token[], context: Context): Wish | undefined {
  const freed = follow(tokens, 0, "unblock");
  if (freed !== undefined) {
    const target = readTarget(tokens.slice(freed), context);
    const change = { type: "set", fields: { clear: ["blocked_by"] } } as const;
    return target.type === "unclear"
      ? target
      : { type: "change", tool: "update_task", target, among: OPEN, change, notes: [] };
  }
  for (const [begin, joint, relation] of commands) {
    const begun = follow(tokens, 0, begin);
    const at = begun === undefined ? undefined : findJoint(tokens, begun + 1, joint);
    if (at !== undefined) return relate(tokens.slice(begun, at.from), tokens.slice(at.next), relation, context);
  }
  return undefined;
}

/** Reads `paint is blocked by sand`, `milk waits for eggs`: what begins with a word for a deed has been read before. */
export function readRelated(tokens: readonly Token[], context: Context): Wish | undefined {
  if (followAny(tokens, 0, ["what|which|who|show|list|add|find|create"]) !== undefined) return undefined;
  for (const [joint, relation, isBehind] of joints) {
    const at = findJoint(tokens, 1, joint);
    if (at === undefined) continue;
    const sides = [tokens.slice(0, at.from), tokens.slice(at.next)] as const;
    return isBehind ? relate(sides[1], sides[0], relation, context) : relate(sides[0], sides[1], relation, context);
  }
  return undefined;
}

function findJoint(tokens: readonly Token[], begun: number, pattern: string) {
  for (let from = begun; from < tokens.length; from++) {
    const next = follow(tokens, from, pattern);
    if (next !== undefined && next < tokens.length) return { from, next };
  }
  return undefined;
}

function relate(words: readonly Token[], others: readonly Token[], relation: Relation, context: Context): Wish {
  const target = readTarget(words, context);
  const to = readTarget(others, context);
  if (target.type === "unclear") return target;
  if (to.type === "unclear") return to;
  if (to.type === "all" || target.type === "all")
    return unclear(spell([...words, ...others]), "name the tasks one by one");
  return {
    type: "change",
    tool: "update_task",
    target,
    among: OPEN,
    change: { type: "relate", relation, to },
    notes: [],
  };
}

/** Where a new task belongs, and the words without that: `add buy paint under paint the fence`, `add a subtask milk to #3`. */
export function readParent(
  tokens: readonly Token[],
  context: Context,
): { words: readonly Token[]; parent: Named } | undefined {
  const begun = follow(tokens, 0, "add|create");
  if (begun === undefined) return undefined;
  const named = followAny(tokens, begun, ["a|the? subtask|subtasks"]);
  const before = named === undefined ? undefined : follow(tokens, named, "to|of|under|for");
  const colon = before === undefined ? -1 : tokens.findIndex(({ key }, at) => at > before && key === ":");
  const [body, others] =
    before !== undefined && colon > 0
      ? [tokens.slice(colon + 1), tokens.slice(before, colon)]
      : splitLast(tokens, named ?? begun, named === undefined);
  if (body.length === 0 || others.length === 0) return undefined;
  const { head } = splitModifiers(others, context.now, "new");
  const parent = readTarget(head, context);
  const words = [...tokens.slice(0, begun), ...body, ...others.slice(head.length)];
  return parent.type === "named" ? { words, parent } : undefined;
}

const UNDER = "under|below|beneath";

/** "under" parts a task from its parent; "to" does where it was called a subtask. */
function splitLast(tokens: readonly Token[], begun: number, isPlain: boolean) {
  const patterns = ["as a? subtask|subtasks of|to|under", UNDER, ...(isPlain ? [] : ["to|of|for"])];
  for (const pattern of patterns) {
    for (let at = tokens.length - 2; at > begun; at--) {
      const next = follow(tokens, at, pattern);
      // "under groceries" is a list.
      const isTask =
        next !== undefined && next < tokens.length && (pattern !== UNDER || readList(tokens, at) === undefined);
      if (isTask) return [tokens.slice(begun, at), tokens.slice(next)] as const;
    }
  }
  return [[], []] as const;
}
