import type { Turn } from "./conversation.ts";
import { followAny, type Token } from "./tokens.ts";
import type { Wish } from "./wish.ts";

const LAST = [
  "undo|revert that|it|this|these|those|them?",
  "undo|revert the|my? last|latest change|changes?",
  "take|put|bring|get that|it|this|these|those|them back",
];
const NUMBERED = ["undo|revert the? change|changes number?"];

/** Reads `undo that`, `bring it back`, `undo change 4`. */
export function readUndo(tokens: readonly Token[]): Wish | undefined {
  if (LAST.some((pattern) => followAny(tokens, 0, [pattern]) === tokens.length)) return { type: "undo" };
  const numbered = followAny(tokens, 0, NUMBERED);
  const rest = numbered === undefined ? [] : tokens.slice(numbered).filter(({ key }) => !/^(?:,|and|&)$/.test(key));
  const numbers = rest.map(({ key }) => /^(\d{1,9})$/.exec(key)?.[1]);
  if (numbers.length === 0 || numbers.includes(undefined)) return undefined;
  return { type: "undo", changes: numbers.map(Number) };
}

/** The changes to undo, the last one first, for what came before is in the way of none of them. */
export function changesToUndo({ changes }: Extract<Wish, { type: "undo" }>, before: readonly Turn[]): number[] {
  return [...(changes ?? before.map(changesOf).findLast((made) => made.length > 0) ?? [])].sort(
    (one, other) => other - one,
  );
}

/** Whether what made one of these changes is undone by deleting something, so that the server asks about it. */
export function deletesSomething(changes: readonly number[], before: readonly Turn[]): boolean {
  const outputs = before.flatMap(({ calls }) => calls).map(({ output }) => output);
  return outputs.some(
    (output) => /^Created |· restored · change \d+$/.test(output) && changes.includes(changeOf(output) ?? 0),
  );
}

function changesOf({ calls }: Turn): number[] {
  return calls.flatMap(({ output }) => changeOf(output) ?? []);
}

/** The number of the change that a tool's text ends with; no title can stand behind it. */
function changeOf(output: string): number | undefined {
  const number = / · change (\d{1,15})$/.exec(output)?.[1];
  return number === undefined ? undefined : Number(number);
}
