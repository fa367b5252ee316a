import * as z from "zod";
import { cursorSchema } from "../cursor.ts";
import { showMoment, weekdayOf } from "../moment.ts";
import { pluck } from "../tasks/field-table.ts";
import { listTasks } from "../tasks/list-tasks.ts";
import { momentSchema, type Task } from "../tasks/task.ts";
import { taskFields } from "../tasks/task-fields.ts";
import { taskOrderSchema } from "../tasks/task-order.ts";
import { text } from "../text.ts";
import { listedTaskSchema, listPage, listText } from "./listed-task.ts";
import { defineReadingTool } from "./reading-tool.ts";
import { rules } from "./rules.ts";

const LARGEST_PAGE = 100;
const USUAL_PAGE = 20;

const { status: statuses, priority, due, tags } = pluck(taskFields, "input");

const statusFilterSchema = z.enum(["open", "overdue", "all", ...statuses.options]);

const input = z.strictObject({
  status: statusFilterSchema
    .default("open")
    .describe("open is pending and in_progress; overdue is open, its moment or whole day past."),
  priority: priority.optional().describe("Only tasks of this priority; none means any."),
  tags: tags.optional().describe("Only tasks that carry all of these tags."),
  search: text({ minimum: 1, maximum: 200, isComposed: true })
    .optional()
    .describe("Words that are all in title or description, in any order."),
  due_from: due.optional().describe("Only tasks due at this date or date-time or later."),
  due_before: due.optional().describe("Only tasks due before this date or date-time."),
  order: taskOrderSchema
    .default("due")
    .describe("due: soonest first; priority: most urgent first; created and updated: newest first."),
  limit: z
    .number()
    .refine((limit) => Number.isInteger(limit) && limit >= 1 && limit <= LARGEST_PAGE, {
      error: `must be a whole number from 1 to ${LARGEST_PAGE}`,
    })
    .meta({ type: "integer", minimum: 1, maximum: LARGEST_PAGE })
    .default(USUAL_PAGE)
    .describe("How many at most."),
  cursor: cursorSchema.optional().describe("The next_cursor of the page before; everything else as it was then."),
});

const output = z.strictObject({
  tasks: z.array(listedTaskSchema),
  now: momentSchema.describe("By the person's clock."),
  time_zone: z.string().describe("The person's."),
  next_cursor: z.string().optional().describe("There are more tasks: pass it as cursor to read on."),
});

export const listTasksTool = defineReadingTool({
  name: "list_tasks",
  title: "List tasks",
  description: `Lists the person's tasks. ${rules.list} ${rules.find} ${rules.data}`,
  input,
  example: { search: "dentist", order: "priority", limit: 10 },
  output,
  async run({ status, priority, due_from: dueFrom, due_before: dueBefore, ...rest }, database, { cursorSettings }) {
    const which = { statuses: toStatuses(status), isOverdue: status === "overdue", priority: toPriority(priority) };
    const filter = { ...rest, ...which, dueFrom, dueBefore };
    const page = await listTasks(database, filter, cursorSettings);
    return {
      tasks: listPage(page.tasks, filter.order, filter.limit),
      now: showMoment(toSecond(page.now), page.timeZone),
      time_zone: page.timeZone,
      ...(page.nextCursor !== undefined && { next_cursor: page.nextCursor }),
    };
  },
  toText({ tasks, now, time_zone: timeZone, next_cursor: nextCursor }, asked) {
    return [
      tasks.length === 0 ? nothingListed(asked) : listText(tasks),
      nextCursor !== undefined && `There are more: cursor ${nextCursor}`,
      `It is ${weekdayOf(new Date(now), timeZone)}, ${now} in ${timeZone}.`,
    ]
      .filter(Boolean)
      .join("\n");
  },
});

/** Says of a list without tasks what it lacks: where only some of them were asked for, there may be others. */
function nothingListed({ status, order: _order, limit: _limit, ...filter }: z.output<typeof input>): string {
  if (Object.values(filter).some((value) => value !== undefined)) return "No tasks fit.";
  return status === "all" ? "No tasks." : `No ${status.replace("_", " ")} tasks.`;
}

function toSecond(moment: Date): Date {
  return new Date(Math.floor(moment.getTime() / 1000) * 1000);
}

/** Models fill in every field: "none" is what they choose who want no filter, and would hide all that matters. */
function toPriority(filter: Task["priority"] | undefined) {
  return filter === "none" ? undefined : filter;
}

function toStatuses(filter: z.output<typeof statusFilterSchema>): readonly Task["status"][] {
  if (filter === "open" || filter === "overdue") return ["pending", "in_progress"];
  if (filter === "all") return statuses.options;
  return [filter];
}
