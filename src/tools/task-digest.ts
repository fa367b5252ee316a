import * as z from "zod";
import { quote } from "../quote.ts";
import { CUT, MOMENT_WEIGHT, shorten, weigh } from "../shorten.ts";
import { type Digest, type DigestPart, digestParts } from "../tasks/digest-tasks.ts";
import type { Task } from "../tasks/task.ts";

/** Where things stand, part by part: those that are empty are left out. */
export const digestSchema = z.array(
  z.strictObject({ part: z.enum(digestParts), count: z.string(), tasks: z.array(z.string()) }),
);

export type ShownDigest = z.output<typeof digestSchema>;

/** How many tasks of a part are shown, and how much of their titles, as `weigh` counts. */
interface Size {
  readonly tasks: number;
  readonly title: number;
}

/** From the most that is shown to the least. */
const SIZES: readonly Size[] = [
  ...[5, 4, 3].map((tasks) => ({ tasks, title: 40 })),
  ...[3, 2].map((tasks) => ({ tasks, title: 25 })),
  ...[15, 12, 10].map((title) => ({ tasks: 2, title })),
  { tasks: 1, title: 15 },
  { tasks: 1, title: 5 },
];

/** How many tokens the parts may cost at most: a digest has 600 with the clock around it. */
const BUDGET = 535;

/** What a part costs, and a task's line beside its title and what follows that, in tokens at most. */
const COST = { part: 12, task: 9, date: 8, blocker: 7 };
const LONGEST_HOLDER = 10;
const MOST_BLOCKERS = 3;

/** The parts of a digest as they are shown, no longer than its budget allows, whatever tasks say. */
export function showDigest({ parts }: Digest): ShownDigest {
  const elsewhere = new Set(parts.flatMap(({ part, tasks }) => (part === "ready" ? [] : tasks.map(({ id }) => id))));
  const read = parts.map(({ part, count, tasks }) => ({
    part,
    count,
    // What stands in another part already needs no second line.
    tasks: part === "ready" ? tasks.filter(({ id }) => !elsewhere.has(id)) : tasks,
  }));
  let shown: ShownDigest = [];
  for (const size of SIZES) {
    const lines = read.map(({ part, count, tasks }) => ({
      part,
      count,
      told: tasks.slice(0, size.tasks).map((task) => tellTask(part, task, size.title)),
    }));
    shown = lines.map(({ part, count, told }) => ({ part, count, tasks: told.map(({ line }) => line) }));
    const cost = lines.reduce((sum, { told }) => sum + told.reduce((of, { weight }) => of + weight, COST.part), 0);
    if (cost <= BUDGET) break;
  }
  return shown;
}

/** A digest as text: each part with its number of tasks, and a line for each that is shown. */
export function digestText(digest: ShownDigest): string {
  if (digest.length === 0) return "There is nothing to do, and nothing was finished in the last 7 days.";
  return digest
    .map(({ part, count, tasks }) => [`${NAMES[part]}: ${count}`, ...tasks.map((line) => `- ${line}`)].join("\n"))
    .join("\n");
}

const NAMES: Readonly<Record<DigestPart, string>> = {
  overdue: "Overdue",
  today: "Due today",
  in_progress: "In progress",
  ready: "Ready next",
  blocked: "Blocked",
  finished: "Finished in the last 7 days",
};

/** A task in a line of a part, with what that part is about, and what the line costs at most. */
function tellTask(part: DigestPart, task: Task, longest: number): { line: string; weight: number } {
  const title = quote(shorten(task.title, longest));
  const moment = (part === "finished" ? task.completed_at : task.due)?.replace(/\.\d+/, "");
  const holder = task.claimed_by === undefined ? "" : quote(shorten(task.claimed_by, LONGEST_HOLDER));
  const isBlocked = part === "blocked";
  const held = isBlocked ? `, claimed by ${holder}` : ` by ${holder}`;
  const by = holder === "" ? "" : task.claimed_until === undefined ? `, claim of ${holder} lapsed` : held;
  const when = moment === undefined ? "" : part === "finished" ? ` ${moment}` : ` due ${moment}`;
  const blockers = isBlocked ? (task.waiting_for ?? []) : [];
  const first = blockers.slice(0, MOST_BLOCKERS).map((id) => `#${id}`);
  const waits = first.length === 0 ? "" : ` by ${first.join(", ")}${blockers.length > first.length ? ` ${CUT}` : ""}`;
  return {
    line: `#${task.id} ${title}${waits}${by}${when}`,
    weight:
      COST.task +
      weigh(title) +
      weigh(by) +
      COST.blocker * first.length +
      (when === "" ? 0 : when.includes("T") ? MOMENT_WEIGHT : COST.date),
  };
}
