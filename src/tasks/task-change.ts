import * as z from "zod";
import { openStatuses } from "./ready.ts";
import { isLastOfSeries, type Task, toBriefTask, toTask } from "./task.ts";
import { taskRowSchema } from "./task-rows.ts";

const taskChangeSchema = z.object({
  operation: z.enum(["insert", "update", "delete"]),
  completed: z.boolean(),
  shortened: z.boolean().default(false),
  task: taskRowSchema,
});

/** Of more tasks at once it is not reckoned when the ones after them would be due: what is told of so many has no room for that. */
const MOST_RECKONED = 50;

/** What a call did to a task. */
export interface TaskChange {
  readonly operation: "insert" | "update" | "delete";
  /** Whether it is completed by that, and was not before. */
  readonly isCompletion: boolean;
  /** As the call left it, or as it was before it was deleted. */
  readonly task: Task;
  /** Of a task that was made as one of its series was completed: the id of that one. */
  readonly follows: number | undefined;
  /** Whether it is known to be the last of its series; of many that are changed at once it is not. */
  readonly isLast: boolean;
  /** Whether the task is no longer kept whole: its title may be cut, its description and tags are left out. */
  readonly isShortened: boolean;
}

/**
 * Reads what the database has noted of a call's changes (`gather_task_changes`), its moments in a person's time zone.
 *
 * @returns in the order of the tasks' ids; the database notes them in whatever order its plan met them
 */
export function readTaskChanges(outcome: readonly unknown[], timeZone: string): TaskChange[] {
  const changes = z
    .array(taskChangeSchema)
    .parse(outcome)
    .sort(({ task: one }, { task: other }) => one.id - other.id);
  const followed = (task: KeptRow) =>
    changes.find(
      ({ task: { series, occurrence } }) => series === task.series && occurrence === (task.occurrence ?? 0) - 1,
    );
  const isNext = ({ operation, task }: (typeof changes)[number]) => operation === "insert" && task.series !== null;
  const before = new Map(changes.filter(isNext).map((change) => [change, followed(change.task)]));
  // Which is asked first: the database may know other times, as by the clock that the person had before.
  const isFollowed = new Set(before.values());
  const gone = changes.flatMap(({ operation, task }) => (operation === "delete" ? [task] : []));
  const isFewEnough = changes.length <= MOST_RECKONED;
  const show = isFewEnough ? toTask : toBriefTask;
  return changes.map((change) => {
    const { operation, completed, shortened, task } = change;
    return {
      operation,
      isCompletion: completed,
      follows: before.get(change)?.task.id,
      isLast: completed && isFewEnough && !isFollowed.has(change) && isLastOfSeries(task, timeZone),
      task: show(operation === "delete" ? withThose(gone, task) : task, timeZone),
      isShortened: shortened,
    };
  });
}

type KeptRow = z.output<typeof taskRowSchema>;

/** A task as it was before it was deleted, when those that its call has deleted with it were still there. */
function withThose(gone: readonly KeptRow[], task: KeptRow): KeptRow {
  const { references } = task;
  if (references == null) return task;
  const referred = gone.filter(({ id }) => [...task.blocked_by, task.parent_id, task.discovered_from].includes(id));
  const open = referred.filter(
    ({ id, status }) => task.blocked_by.includes(id) && openStatuses.some((one) => one === status),
  );
  const idsOf = (rows: readonly KeptRow[]) => rows.map(({ id }) => id);
  return {
    ...task,
    references: {
      there: [...references.there, ...idsOf(referred)],
      open: [...references.open, ...idsOf(open)].sort((one, other) => one - other),
    },
  };
}
