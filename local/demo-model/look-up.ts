import type { OutputItem } from "../responses-api.ts";
import type { Call } from "./conversation.ts";
import type { Understood } from "./dialogue.ts";
import { findTasks, lookUps, PAGE } from "./find-tasks.ts";
import { askPerhaps, askWhich } from "./question.ts";
import { readCursor, readTaskLines, type TaskLine } from "./task-lines.ts";
import { call } from "./tell.ts";
import type { Named, Status, Target } from "./wish.ts";

/** How many pages of "all my tasks" are read, so that some of the agent's rounds are left. */
export const MOST_PAGES = 7;

/** How many tasks a call changes by what they fit. */
const MOST_MATCHED = 500;

/** What was looked up: calls to make first, or why nothing can be done, or the tasks. */
export type Read =
  | { readonly calls: OutputItem[] }
  | { readonly problem: string }
  | { readonly tasks: readonly TaskLine[]; readonly lookedUp: number; readonly rest?: string; readonly match?: Match };

/** The filters that all of the tasks fit and no others do, and how many those are. */
interface Match {
  readonly match: Readonly<Record<string, unknown>>;
  readonly expect_count: number;
  /** Whether any of them is due at a time of the day. */
  readonly isTimed: boolean;
}

/** The tasks that are named one by one. */
export function readNamed(
  target: Named,
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
export function readAll(
  { selection }: Extract<Target, { type: "all" }>,
  among: readonly Status[],
  calls: readonly Call[],
): Read {
  const acted = calls.findIndex(({ name }) => name !== "list_tasks");
  const pages = acted < 0 ? calls : calls.slice(0, acted);
  const cursor = readCursor(pages.at(-1)?.output ?? "");
  const status = selection.filter.status ?? (among.includes("completed") ? "all" : "open");
  if (pages.length === 0 || (cursor !== undefined && pages.length < MOST_PAGES && acted < 0)) {
    return { calls: [call("list_tasks", { ...selection.filter, status, limit: PAGE, cursor })] };
  }
  const read = pages.flatMap(({ output }) => readTaskLines(output));
  const tasks = read.filter(({ status }) => status === undefined || among.includes(status));
  const left = tasks.length - PAGE;
  if (tasks.length === 0) return { problem: "There are no such tasks." };
  const rest = left > 0 && `${cursor === undefined ? left : `More than ${left}`} remain; say it again for those.`;
  const { order: _order, ...filter } = selection.filter;
  const isExact = cursor === undefined && read.length === tasks.length && tasks.length <= MOST_MATCHED;
  const match = isExact && {
    ...{ match: { ...filter, status }, expect_count: tasks.length },
    isTimed: tasks.some(({ due }) => due?.includes("T")),
  };
  return { tasks: tasks.slice(0, PAGE), lookedUp: pages.length, ...(rest && { rest }), ...(match && { match }) };
}
