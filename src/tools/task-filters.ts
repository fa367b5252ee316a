import * as z from "zod";
import { refusedField } from "../errors.ts";
import { isWindowEmpty } from "../tasks/due.ts";
import { dueWordSchema } from "../tasks/due-window.ts";
import { pluck } from "../tasks/field-table.ts";
import { openStatuses } from "../tasks/ready.ts";
import type { Task } from "../tasks/task.ts";
import { taskFields } from "../tasks/task-fields.ts";
import type { TaskFilter } from "../tasks/task-filter.ts";
import { taskIdSchema } from "../tasks/task-id.ts";
import { text } from "../text.ts";

const { status: statuses, priority, due: day, tags } = pluck(taskFields, "input");

const statusFilterSchema = z.enum(["open", "ready", "overdue", "all", ...statuses.options, "deleted"]);

/** The inputs that say which tasks are meant. */
export const filterInputs = {
  status: statusFilterSchema
    .default("open")
    .describe("ready is open and free to claim; overdue is open, its moment or whole day past."),
  priority: priority.optional().describe("none means any."),
  tags: tags.optional().describe("All of them."),
  any_tags: tags.optional().describe("Any of them."),
  search: text({ minimum: 1, maximum: 200, isComposed: true })
    .optional()
    .describe("Words that are all in title or description, in any order."),
  parent_id: taskIdSchema.optional().describe("Only its subtasks."),
  recurring: z.boolean().optional().describe("Those that recur."),
  due: dueWordSchema.optional().describe("By the person's clock."),
  due_from: day.optional().describe("A date or date-time, included."),
  due_before: day.optional().describe("Likewise, not included."),
  completed_from: day.optional().describe("Completed then or later."),
  completed_before: day.optional().describe("Completed before then."),
};

type FilterInputs = z.output<z.ZodObject<typeof filterInputs>>;

/**
 * The filter that these inputs ask for.
 *
 * @param object where they stand in one: `match.`
 * @throws ApplicationError `invalid_input` for a window that ends before it begins: an empty list would be taken for all there is
 */
export function toTaskFilter(asked: FilterInputs, object = ""): TaskFilter {
  for (const window of ["due", "completed"] as const) {
    const [from, before] = [asked[`${window}_from`], asked[`${window}_before`]];
    if (from !== undefined && before !== undefined && isWindowEmpty(from, before))
      throw refusedField("invalid_input", `${object}${window}_before`, `must be later than ${window}_from`);
  }
  const { status, priority, tags, any_tags: anyTags, search, due, due_from: dueFrom, due_before: dueBefore } = asked;
  const { completed_from: completedFrom, completed_before: completedBefore } = asked;
  const completed = completedFrom === undefined && completedBefore === undefined ? undefined : "completed";
  return {
    // Open tasks have not been completed: who says when they were asks for those that are.
    ...toStatuses(status === "open" ? (completed ?? status) : status),
    isOverdue: status === "overdue",
    priority: toPriority(priority),
    parentId: asked.parent_id,
    isRecurring: asked.recurring,
    ...{ tags, anyTags, search, due, dueFrom, dueBefore, completedFrom, completedBefore },
  };
}

/** The filters that are given a value, by name: those without one and those that narrow nothing are not among them. */
export function filtersGiven({
  status,
  priority,
  ...filters
}: FilterInputs & Readonly<Record<string, unknown>>): string[] {
  const given: Readonly<Record<string, unknown>> = { priority: toPriority(priority), ...filters };
  return [
    ...Object.entries(given).flatMap(([name, value]) => (value === undefined || value === false ? [] : [name])),
    ...(status === "open" || status === "all" ? [] : ["status"]),
  ];
}

/** Models fill in every field: "none" is what they choose who want no filter, and would hide all that matters. */
function toPriority(filter: Task["priority"] | undefined) {
  return filter === "none" ? undefined : filter;
}

function toStatuses(
  filter: z.output<typeof statusFilterSchema>,
): Pick<TaskFilter, "statuses" | "isDeleted" | "isReady"> {
  if (filter === "open" || filter === "overdue") return { statuses: openStatuses };
  if (filter === "ready") return { statuses: openStatuses, isReady: true };
  if (filter === "all") return { statuses: statuses.options };
  return filter === "deleted" ? { statuses: statuses.options, isDeleted: true } : { statuses: [filter] };
}
