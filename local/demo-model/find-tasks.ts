import type { Call } from "./conversation.ts";
import { readCursor, readTaskLines, type TaskLine } from "./task-lines.ts";
import type { Name, Status, Target } from "./wish.ts";

/** The ids that a person has chosen, by the name that fitted several tasks. */
export type Picks = ReadonlyMap<string, readonly number[]>;

/** A call that looks tasks up. */
export interface LookUp {
  readonly tool: "get_task" | "list_tasks";
  readonly input: Readonly<Record<string, unknown>>;
}

/** The tasks that were named; or a name that fits none of them, or several; or why nothing can be done. */
export type Found =
  | { readonly type: "tasks"; readonly tasks: readonly TaskLine[] }
  | { readonly type: "which"; readonly name: string; readonly tasks: readonly TaskLine[] }
  | { readonly type: "perhaps"; readonly name: string; readonly tasks: readonly TaskLine[] }
  | { readonly type: "problem"; readonly text: string };

type Named = Extract<Target, { type: "named" }>;

/** How many tasks a page of a list has. */
export const PAGE = 100;
const LONGEST_SEARCH = 200;

/** The look-ups that a target takes, each once; tasks in every state are looked at, so that a finished one is told of. */
export function lookUps({ readings }: Named, picks: Picks): LookUp[] {
  const all = readings.flat().flatMap((name) => lookUpsOf(name, picks));
  return [...new Map(all.map((one) => [JSON.stringify(one), one])).values()];
}

function lookUpsOf(name: Name, picks: Picks): LookUp[] {
  const ids = name.type === "number" ? [name.id] : picks.get(name.words);
  if (ids !== undefined) return ids.map((task_id) => ({ tool: "get_task", input: { task_id } }));
  if (name.type === "number") return [];
  const search = Array.from(name.words).slice(0, LONGEST_SEARCH).join("");
  return [
    { tool: "list_tasks", input: { status: "all", search, ...(name.list && { tags: [name.list] }), limit: PAGE } },
  ];
}

/** What the look-ups have found, those that cannot be changed left out. */
export function findTasks(target: Named, picks: Picks, calls: readonly Call[], among: readonly Status[]): Found {
  const made = lookUps(target, picks);
  const outputs = new Map(made.map((one, index) => [JSON.stringify(one), calls[index]?.output ?? ""]));
  const outputsOf = (name: Name) => lookUpsOf(name, picks).map((one) => outputs.get(JSON.stringify(one)) ?? "");
  const match = (name: Name) => matchName(name, outputsOf(name), name.type === "number" || picks.has(name.words));
  const readings = target.readings.map((names) => names.map(match));
  const worst = (matches: readonly Match[]) => Math.min(...matches.map(({ rank }) => rank));
  const best = Math.max(...readings.map(worst));
  const fitting = readings.filter((matches) => worst(matches) === best);
  const chosen = best === 0 ? readings.at(-1) : fitting[0];
  if (chosen === undefined) return { type: "problem", text: "I find no such task." };
  if (best === EXACT && new Set(fitting.map((matches) => JSON.stringify(idsOf(matches)))).size > 1) {
    const names = fitting.map((matches) => matches.map(({ words }) => `“${words}”`).join(" and ")).join(", or ");
    return { type: "problem", text: `Do you mean ${names}? Put titles in quotes, or say numbers.` };
  }
  const settled = chosen.map((one) => settle(one, among));
  const problem = settled.find(({ type }) => type !== "tasks");
  if (problem !== undefined) return problem;
  const tasks = settled.flatMap((one) => (one.type === "tasks" ? one.tasks : []));
  return { type: "tasks", tasks: [...new Map(tasks.map((task) => [task.id, task])).values()] };
}

const EXACT = 3;

/** The tasks that fit a name best. */
interface Match {
  readonly name: Name;
  readonly words: string;
  /** 3 where it is a task's title, or its number; 2 where the title has its words in a row, 1 in their order; else 0. */
  readonly rank: number;
  readonly tasks: readonly TaskLine[];
  /** Whether the tasks were named one by one, so that all of them are meant. */
  readonly isGiven: boolean;
  /** Whether there may be more. */
  readonly isCut: boolean;
}

function matchName(name: Name, outputs: readonly string[], isGiven: boolean): Match {
  // Of a task that was asked for by its number, the first line counts: below may stand a description, which holds anything.
  const found = outputs.flatMap((output) => readTaskLines(isGiven ? (output.split("\n")[0] ?? "") : output));
  const words = name.type === "number" ? `#${name.id}` : name.words;
  const isCut = outputs.some((output) => readCursor(output) !== undefined);
  const ranks = found.map(({ title }) => (isGiven ? EXACT : rankOf(wordsOf(words), wordsOf(title))));
  const rank = Math.max(0, ...ranks);
  return { name, words, rank, tasks: found.filter((_, index) => ranks[index] === rank), isGiven, isCut };
}

/** A name's tasks, or what is in the way of acting on them. */
function settle({ name, words, rank, tasks, isGiven, isCut }: Match, among: readonly Status[]): Found {
  const list = name.type === "title" ? name.list : undefined;
  if (tasks.length === 0 || (rank === 0 && list !== undefined)) {
    return { type: "problem", text: `I find no task “${words}”${list === undefined ? "" : ` in ${list}`}.` };
  }
  if (isCut && rank < EXACT) {
    return { type: "problem", text: `More than ${PAGE} tasks fit “${words}”: say more of the title, or the number.` };
  }
  const isQuoted = name.type === "title" && name.isQuoted;
  const free = tasks.filter(({ status }) => status === undefined || among.includes(status));
  if (rank === 0 || (isQuoted && rank < EXACT)) {
    return { type: "perhaps", name: words, tasks: free.length > 0 ? free : tasks };
  }
  if (free.length === 1 || (isGiven && free.length === tasks.length)) return { type: "tasks", tasks: free };
  if (free.length > 1 && !isGiven) return { type: "which", name: words, tasks: free };
  const state = among.includes("completed") ? "finished" : among.includes("pending") ? "open" : "in progress";
  return { type: "problem", text: [`“${words}” is not ${state}:`, ...tasks.map(({ line }) => line)].join("\n") };
}

function idsOf(matches: readonly Match[]): number[] {
  return [...new Set(matches.flatMap(({ tasks }) => tasks.map(({ id }) => id)))].sort((one, other) => one - other);
}

/** Words in lower case, without marks. */
export function wordsOf(text: string): string[] {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);
}

/** How well a title fits what a person has said. */
export function rankOf(said: readonly string[], title: readonly string[]): number {
  if (said.length === 0) return 0;
  if (said.join(" ") === title.join(" ")) return EXACT;
  if (` ${title.join(" ")} `.includes(` ${said.join(" ")} `)) return 2;
  let at = 0;
  for (const word of title) if (word === said[at]) at += 1;
  return at === said.length ? 1 : 0;
}
