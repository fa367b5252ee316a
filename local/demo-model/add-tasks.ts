import { quote } from "../../src/quote.ts";
import type { OutputItem } from "../responses-api.ts";
import { inParts, MOST_AT_ONCE } from "./act.ts";
import type { Call } from "./conversation.ts";
import type { Understood } from "./dialogue.ts";
import { readNamed } from "./look-up.ts";
import { call, says, tell, tellChanges } from "./tell.ts";
import type { Wish } from "./wish.ts";

/** Finds the parent where there is one, then adds the tasks, all of them in one call, then says what came of it. */
export function addTasks(
  { tasks, parent, notes }: Extract<Wish, { type: "add" }>,
  picks: Understood["picks"],
  calls: readonly Call[],
  replaced: readonly Call[],
): OutputItem[] {
  const found = parent && readNamed(parent, picks, ["pending", "in_progress"], calls);
  if (found !== undefined && "calls" in found) return found.calls;
  if (found !== undefined && "problem" in found) return [says(found.problem)];
  if (found !== undefined && found.tasks.length > 1) return [says("A task has one parent. I have changed nothing.")];
  const made = calls.slice(found?.lookedUp ?? 0);
  if (made.length > 0) return [says(tellChanges(made, notes))];
  // An earlier answer to this message has made some of them.
  const missing = tasks.filter(({ title }) => !replaced.some(({ output }) => output.includes(` ${quote(title)} `)));
  if (missing.length === 0) return [says(`There already: ${tell(replaced)}`)];
  const [{ id: parent_id } = { id: undefined }] = found?.tasks ?? [];
  const wanted = missing.map((task) => ({ ...task, ...(parent_id !== undefined && { parent_id }) }));
  return inParts(wanted, MOST_AT_ONCE).map((part) => {
    const [first, ...others] = part;
    return call("create_task", others.length === 0 && first !== undefined ? first : { tasks: part });
  });
}
