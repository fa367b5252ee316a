import type { Call, Turn } from "./conversation.ts";
import { withoutQuotes } from "./task-lines.ts";
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
  return before
    .flatMap(({ replaced, calls }) => [...replaced, ...calls])
    .some((call) => {
      const isThere = /^Created /.test(call.output) || / · restored(?: ·|:?$)/m.test(withoutQuotes(call.output));
      return isThere && changes.includes(changeOf(call) ?? 0);
    });
}

/** What earlier answers to a message have done holds, also where this one has done nothing. */
function changesOf({ replaced, calls }: Turn): number[] {
  return [...replaced, ...calls].flatMap((call) => changeOf(call) ?? []);
}

/** The number of the change that a line of a writing tool's text ends with; what tasks say stands in quotes. */
function changeOf({ name, output }: Call): number | undefined {
  if (!/^(?:create|update|complete|delete)_task$/.test(name)) return undefined;
  const number = / · change (\d{1,15}):?$/m.exec(withoutQuotes(output))?.[1];
  return number === undefined ? undefined : Number(number);
}
