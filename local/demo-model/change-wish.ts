import { type Context, readTarget } from "./reference.ts";
import { spell, type Token } from "./tokens.ts";
import { type Change, type Modifiers, type Status, type Target, type Unclear, unclear, type Wish } from "./wish.ts";

export const OPEN: readonly Status[] = ["pending", "in_progress"];
export const FINISHED: readonly Status[] = ["completed", "cancelled"];
export const ANY: readonly Status[] = [...OPEN, ...FINISHED];

/** Changes what is said; a task that is completed by it goes through the tool for that. */
export function setFields(target: Target, { tags, unclear: _unclear, notes, ...said }: Modifiers): Wish {
  const fields = { ...said, ...(tags.length > 0 && { add_tags: tags }) };
  const { status } = fields;
  if (status === "completed" && Object.keys(fields).length === 1) {
    return { type: "change", tool: "complete_task", target, among: OPEN, change: { type: "set", fields: {} }, notes };
  }
  const among = status === "pending" ? ANY : OPEN;
  return { type: "change", tool: "update_task", target, among, change: { type: "set", fields }, notes };
}

/** The wish to change the tasks that the words name. */
export function update(words: readonly Token[], context: Context, change: Change, among: readonly Status[]): Wish {
  const target = readTarget(words, context);
  return target.type === "unclear" ? target : { type: "change", tool: "update_task", target, among, change, notes: [] };
}

/** Says that what a task is to be changed to is not understood. */
export function unclearTail(rest: readonly Token[], whole: string, hint: string): Unclear {
  const to = rest.findLastIndex(({ key }) => /^(?:to|as|by|for|until|till)$/.test(key));
  return unclear(to < 0 ? whole : spell(rest.slice(to + 1)), hint);
}
