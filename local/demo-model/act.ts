import { CHANGES_WITHOUT_APPROVAL } from "../../src/tools/tool.ts";
import type { OutputItem } from "../responses-api.ts";
import { instantOf, type Now, toMoment } from "./calendar.ts";
import type { Call } from "./conversation.ts";
import type { Understood } from "./dialogue.ts";
import { firstOccurrence } from "./first-occurrence.ts";
import { readAll, readNamed } from "./look-up.ts";
import type { TaskLine } from "./task-lines.ts";
import { call, says, tellChanges } from "./tell.ts";
import type { Status, Wish } from "./wish.ts";

/** How many tasks a call takes. */
export const MOST_AT_ONCE = 25;

/** How many tasks that block another a list shows. */
const MOST_BLOCKERS = 5;

type Act = Extract<Wish, { type: "show" | "change" }>;

/** First looks the tasks up, then acts on those it found, then says what came of it. */
export function act(wish: Act, picks: Understood["picks"], calls: readonly Call[], now: Now): OutputItem[] {
  const among: readonly Status[] =
    wish.type === "show" ? ["pending", "in_progress", "completed", "cancelled"] : wish.among;
  const found =
    wish.target.type === "all" ? readAll(wish.target, among, calls) : readNamed(wish.target, picks, among, calls);
  if ("calls" in found) return found.calls;
  if ("problem" in found) return [says(found.problem)];
  const others = wish.type === "change" && wish.change.type === "relate" ? wish.change.to : undefined;
  const related = others && readNamed(others, picks, ["pending", "in_progress"], calls.slice(found.lookedUp));
  if (related !== undefined && "calls" in related) return related.calls;
  if (related !== undefined && "problem" in related) return [says(related.problem)];
  const isShown = wish.type === "show" && calls.every(({ name }) => name === "get_task");
  const done = isShown ? calls : calls.slice(found.lookedUp + (related?.lookedUp ?? 0));
  if (done.length > 0) {
    const notes =
      wish.type === "change" ? [...wish.notes, ...found.tasks.flatMap((task) => dueBefore(wish, task))] : [];
    return [says(tellChanges(done, notes))];
  }
  if (wish.type === "show") return found.tasks.map(({ id }) => call("get_task", { task_id: id }));
  const { match } = found;
  const keepsTimes = wish.change.type === "set" && isDay(wish.change.fields.due) && match?.isTimed === true;
  const isMany = match !== undefined && match.expect_count > MOST_AT_ONCE && wish.tool !== "delete_task" && !keepsTimes;
  if (isMany && wish.change.type === "set") {
    const { isTimed: _isTimed, ...which } = match;
    return [says(`I would change these ${match.expect_count}.`), call(wish.tool, { ...which, ...wish.change.fields })];
  }
  const alike = new Map<string, { fields: object; ids: number[] }>();
  for (const task of found.tasks) {
    const fields = fieldsOf(wish, task, related?.tasks ?? [], now);
    if (typeof fields === "string") return [says(`${fields} I have changed nothing.`)];
    const ids = alike.get(JSON.stringify(fields))?.ids ?? [];
    alike.set(JSON.stringify(fields), { fields, ids: [...ids, task.id] });
  }
  const changes = [...alike.values()].flatMap(({ fields, ids }) =>
    inParts(ids, MOST_AT_ONCE).map((part) => {
      const [id, ...others] = part;
      return call(wish.tool, { ...(others.length === 0 ? { task_id: id } : { task_ids: part }), ...fields });
    }),
  );
  // That is asked about, and the question must not look as if it came from a real model.
  const asked =
    wish.tool === "delete_task"
      ? "I would delete this."
      : found.tasks.some(({ isClaimed }) => isClaimed)
        ? "I would change what somebody holds."
        : found.tasks.length > CHANGES_WITHOUT_APPROVAL && `I would change these ${found.tasks.length}.`;
  const words = asked ? [says(asked)] : [];
  return [...(found.rest === undefined ? words : [says(found.rest)]), ...changes];
}

/** What is put off is still due when it was. */
function dueBefore({ change }: Extract<Wish, { type: "change" }>, { id, due }: TaskLine): string[] {
  const scheduled = change.type === "set" ? change.fields.scheduled : undefined;
  const isBefore = typeof scheduled === "string" && due !== undefined && due.slice(0, 10) < scheduled.slice(0, 10);
  return isBefore
    ? [`#${id} is still due ${due}: to move that say “postpone #${id} to ${scheduled.slice(0, 10)}”.`]
    : [];
}

/** So many of them at a time. */
export function inParts<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, part) =>
    items.slice(part * size, (part + 1) * size),
  );
}

/** What the tool is given; or why it is given nothing. */
function fieldsOf(
  { change }: Extract<Wish, { type: "change" }>,
  task: TaskLine,
  others: readonly TaskLine[],
  now: Now,
): object | string {
  switch (change.type) {
    case "set": {
      const { recurrence } = change.fields;
      const first = typeof recurrence === "string" ? firstOccurrence(recurrence, now) : undefined;
      if (first !== undefined) return { due: first, ...change.fields };
      const { due } = change.fields;
      if (!isDay(due)) return change.fields;
      return { ...change.fields, ...postponed(() => due, task, now) };
    }
    case "relate": {
      const ids = others.map(({ id }) => id);
      if (change.relation === "parent_id")
        return ids.length === 1 ? { parent_id: ids[0] } : "A task has one parent: say which.";
      if (task.blockedBy.length >= MOST_BLOCKERS) return `More may block #${task.id} than I can see.`;
      return { blocked_by: [...new Set([...task.blockedBy, ...ids])] };
    }
    case "postpone":
      return postponed(change.by, task, now) ?? `#${task.id} has no due day that can be postponed: say to which day.`;
  }
}

/** Whether it is a day without a time: a task that is due at one keeps its own. */
function isDay(due: unknown): due is string {
  return typeof due === "string" && !due.includes("T");
}

/** The due day moved on, at the hour that it has. */
function postponed(by: (day: string) => string, { due }: TaskLine, { timeZone }: Now) {
  if (due === undefined) return undefined;
  if (isDay(due)) return { due: by(due) };
  const shown = toMoment(new Date(due), timeZone);
  const instant = instantOf(by(shown.slice(0, 10)), shown.slice(11, 16), timeZone);
  return instant && { due: toMoment(instant, timeZone) };
}
