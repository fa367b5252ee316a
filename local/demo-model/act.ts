import type { OutputItem } from "../responses-api.ts";
import { instantOf, type Now, toMoment } from "./calendar.ts";
import type { Call } from "./conversation.ts";
import type { Understood } from "./dialogue.ts";
import { findTasks, lookUps, PAGE } from "./find-tasks.ts";
import { askPerhaps, askWhich } from "./question.ts";
import { readCursor, readTaskLines, type TaskLine } from "./task-lines.ts";
import { call, says, tell } from "./tell.ts";
import type { Status, Target, Wish } from "./wish.ts";

/** How many pages of "all my tasks" are read, so that some of the agent's rounds are left. */
const MOST_PAGES = 7;

/** How many tasks a call takes, and the tools whose calls take more than one. */
const MOST_AT_ONCE = 25;
const TAKE_SEVERAL: ReadonlySet<string> = new Set(["complete_task", "delete_task"]);

type Act = Extract<Wish, { type: "show" | "change" }>;

/** First looks the tasks up, then acts on those it found, then says what came of it. */
export function act(wish: Act, picks: Understood["picks"], calls: readonly Call[], now: Now): OutputItem[] {
  const among: readonly Status[] =
    wish.type === "show" ? ["pending", "in_progress", "completed", "cancelled"] : wish.among;
  const found =
    wish.target.type === "all" ? readAll(wish.target, among, calls) : readNamed(wish.target, picks, among, calls);
  if ("calls" in found) return found.calls;
  if ("problem" in found) return [says(found.problem)];
  const isShown = wish.type === "show" && calls.every(({ name }) => name === "get_task");
  const done = isShown ? calls : calls.slice(found.lookedUp);
  if (done.length > 0) {
    const notes =
      wish.type === "change" ? [...wish.notes, ...found.tasks.flatMap((task) => dueBefore(wish, task))] : [];
    return [says([tell(done), ...notes].join("\n"))];
  }
  if (wish.type === "show") return found.tasks.map(({ id }) => call("get_task", { task_id: id }));
  const alike = new Map<string, { fields: object; ids: number[] }>();
  for (const task of found.tasks) {
    const fields = fieldsOf(wish, task, now);
    if (fields === undefined)
      return [says(`#${task.id} has no due day that can be postponed: say to which day. I have changed nothing.`)];
    const ids = alike.get(JSON.stringify(fields))?.ids ?? [];
    alike.set(JSON.stringify(fields), { fields, ids: [...ids, task.id] });
  }
  const changes = [...alike.values()].flatMap(({ fields, ids }) =>
    inParts(ids, TAKE_SEVERAL.has(wish.tool) ? MOST_AT_ONCE : 1).map((part) => {
      const [id, ...others] = part;
      return call(wish.tool, { ...(others.length === 0 ? { task_id: id } : { task_ids: part }), ...fields });
    }),
  );
  // That is asked about, and the question must not look as if it came from a real model.
  const asked =
    wish.tool === "delete_task"
      ? "I would delete this."
      : found.tasks.some(({ isClaimed }) => isClaimed) && "I would change what somebody holds.";
  const words = asked ? [says(asked)] : [];
  return [...(found.rest === undefined ? words : [says(found.rest)]), ...changes];
}

type Read =
  | { readonly calls: OutputItem[] }
  | { readonly problem: string }
  | { readonly tasks: readonly TaskLine[]; readonly lookedUp: number; readonly rest?: string };

function readNamed(
  target: Extract<Target, { type: "named" }>,
  picks: Understood["picks"],
  among: readonly Status[],
  calls: readonly Call[],
): Read {
  const wanted = lookUps(target, picks);
  if (calls.length < wanted.length) return { calls: wanted.map(({ tool, input }) => call(tool, input)) };
  const found = findTasks(target, picks, calls, among);
  switch (found.type) {
    case "tasks":
      return { tasks: found.tasks, lookedUp: wanted.length };
    case "which":
      return { problem: askWhich(found.name, found.tasks) };
    case "perhaps":
      return { problem: askPerhaps(found.name, found.tasks) };
    case "problem":
      return { problem: `${found.text}\nI have changed nothing.` };
  }
}

/** Reads page after page, then takes as many as can be answered for at once, and says how many are left. */
function readAll(
  { selection }: Extract<Target, { type: "all" }>,
  among: readonly Status[],
  calls: readonly Call[],
): Read {
  const acted = calls.findIndex(({ name }) => name !== "list_tasks");
  const pages = acted < 0 ? calls : calls.slice(0, acted);
  const cursor = readCursor(pages.at(-1)?.output ?? "");
  if (pages.length === 0 || (cursor !== undefined && pages.length < MOST_PAGES && acted < 0)) {
    const status = selection.filter.status ?? (among.includes("completed") ? "all" : "open");
    return { calls: [call("list_tasks", { ...selection.filter, status, limit: PAGE, cursor })] };
  }
  const tasks = pages
    .flatMap(({ output }) => readTaskLines(output))
    .filter(({ status }) => status === undefined || among.includes(status));
  const left = tasks.length - PAGE;
  if (tasks.length === 0) return { problem: "There are no such tasks." };
  const rest = left > 0 && `${cursor === undefined ? left : `More than ${left}`} remain; say it again for those.`;
  return { tasks: tasks.slice(0, PAGE), lookedUp: pages.length, ...(rest && { rest }) };
}

/** What is put off is still due when it was. */
function dueBefore({ change }: Extract<Wish, { type: "change" }>, { id, due }: TaskLine): string[] {
  const scheduled = change.type === "set" ? change.fields.scheduled : undefined;
  const isBefore = typeof scheduled === "string" && due !== undefined && due.slice(0, 10) < scheduled.slice(0, 10);
  return isBefore
    ? [`#${id} is still due ${due}: to move that say “postpone #${id} to ${scheduled.slice(0, 10)}”.`]
    : [];
}

function inParts(ids: readonly number[], size: number): number[][] {
  return Array.from({ length: Math.ceil(ids.length / size) }, (_, part) => ids.slice(part * size, (part + 1) * size));
}

/** What the tool is given; undefined where a day is to move on and there is none. */
function fieldsOf({ change }: Extract<Wish, { type: "change" }>, { due }: TaskLine, { timeZone }: Now) {
  if (change.type === "set") return change.fields;
  if (due === undefined || !due.includes("T")) return due === undefined ? undefined : { due: change.by(due) };
  const shown = toMoment(new Date(due), timeZone);
  const instant = instantOf(change.by(shown.slice(0, 10)), shown.slice(11, 16), timeZone);
  return instant && { due: toMoment(instant, timeZone) };
}
