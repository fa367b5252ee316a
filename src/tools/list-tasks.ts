import * as z from "zod";
import { cursorSchema } from "../cursor.ts";
import type { UserDatabase } from "../database/user-database.ts";
import { refusedField } from "../errors.ts";
import { showMoment, weekdayOf } from "../moment.ts";
import { quote } from "../quote.ts";
import { readChangedTasks } from "../tasks/changed-tasks.ts";
import { type Grouping, groupingSchema, NO_DAY, type TaskCounts } from "../tasks/count-tasks.ts";
import { digestTasks } from "../tasks/digest-tasks.ts";
import type { DueWord } from "../tasks/due-window.ts";
import { countByGroup, listTasks, type TaskPage } from "../tasks/list-tasks.ts";
import { momentSchema } from "../tasks/task.ts";
import { type TaskOrder, taskOrderSchema } from "../tasks/task-order.ts";
import { changedPage, detailedPage, listedTaskSchema, listPage, listText } from "./listed-task.ts";
import { defineReadingTool } from "./reading-tool.ts";
import { rules } from "./rules.ts";
import { digestSchema, digestText, showDigest } from "./task-digest.ts";
import { filterInputs, filtersGiven, toTaskFilter } from "./task-filters.ts";

const LARGEST_PAGE = 100;
const USUAL_PAGE = 20;
const LARGEST_DETAILED_PAGE = 25;
const USUAL_ORDER = "due";

const input = z.strictObject({
  ...filterInputs,
  order: taskOrderSchema
    .default(USUAL_ORDER)
    .describe("priority: most urgent first; created and updated: newest first; position: by hand."),
  limit: z
    .number()
    .refine((limit) => Number.isInteger(limit) && limit >= 1 && limit <= LARGEST_PAGE, {
      error: `must be a whole number from 1 to ${LARGEST_PAGE}`,
    })
    .meta({ type: "integer", minimum: 1, maximum: LARGEST_PAGE })
    .default(USUAL_PAGE),
  changed_since: z
    .int()
    .min(0)
    .optional()
    .describe(
      "The change of an earlier answer: tells in brief what has changed since, deleted tasks too. Goes with limit alone.",
    ),
  cursor: cursorSchema.optional().describe("The next_cursor of the page before; everything else as it was then."),
  detail: z.boolean().optional().describe("With whole descriptions; 25 tasks at most."),
  total: z.boolean().optional().describe("Counts all that fit, and their tags."),
  group_by: groupingSchema.optional().describe("Only counts what fits."),
  digest: z.boolean().optional().describe("Alone: where things stand. Read it first."),
});

const countsSchema = z.array(z.strictObject({ name: z.string(), count: z.string() })).optional();

const output = z.strictObject({
  tasks: z.array(listedTaskSchema),
  now: momentSchema.optional(),
  time_zone: z.string().optional(),
  change: z.int().min(0).optional().describe("Give it as changed_since next time."),
  more: z.literal(true).optional().describe("Ask again, since change."),
  reset: z.literal(true).optional().describe("List anew, without changed_since."),
  next_cursor: z.string().optional().describe("Pass it as cursor to read on."),
  total: z.string().optional(),
  tags: countsSchema,
  groups: countsSchema,
  more_groups: z.string().optional(),
  digest: digestSchema.optional(),
});

export const listTasksTool = defineReadingTool({
  name: "list_tasks",
  title: "List tasks",
  description: `Lists the person's tasks. ${rules.list} ${rules.find} ${rules.data}`,
  input,
  example: { search: "dentist", order: "priority", limit: 10 },
  output,
  async run({ changed_since: since, ...asked }, database, { cursorSettings }) {
    if (since !== undefined) return listChanges(since, asked, database);
    if (asked.digest) return listDigest(asked, database);
    const which = toTaskFilter(asked);
    if (asked.group_by !== undefined) {
      requireNoCursor(asked);
      // Who counts by status asks for all of them.
      const isWhole = asked.group_by === "status" && asked.status === "open";
      const whose = isWhole ? toTaskFilter({ ...asked, status: "all" }) : which;
      const counted = await countByGroup(database, whose, asked.group_by);
      const { total, groups } = counted.counts;
      const answer = { tasks: [], ...clockOf(counted), change: counted.lastChange, total, groups: [...groups] };
      return { ...answer, ...moreGroups(counted.counts) };
    }
    // In the order in which they are claimed.
    const order = which.isReady && asked.order === USUAL_ORDER ? "ready" : asked.order;
    const limit = limitOf(asked);
    const page = await listTasks(
      database,
      { ...which, order, limit, cursor: asked.cursor, isDetailed: asked.detail, isCounted: asked.total },
      cursorSettings,
    );
    return {
      tasks: (asked.detail ? detailedPage : listPage)(page.tasks, asked.order, limit),
      ...clockOf(page),
      // A later page may show changes that an earlier one does not.
      ...(asked.cursor === undefined && { change: page.lastChange }),
      ...(page.nextCursor !== undefined && { next_cursor: page.nextCursor }),
      ...(page.counts !== undefined && {
        total: page.counts.total,
        tags: [...page.counts.groups],
        ...moreGroups(page.counts),
      }),
    };
  },
  toText({ tasks, now, time_zone: timeZone, next_cursor: nextCursor, change, more, reset, ...counted }, asked) {
    const { total, tags, groups, more_groups: moreGroups, digest } = counted;
    const andMore = moreGroups === undefined ? [] : [`and ${moreGroups} more`];
    return [
      digest && digestText(digest),
      groups && [...groups.map((group) => tellGroup(group, asked.group_by)), ...andMore].join("\n"),
      digest === undefined &&
        (groups === undefined || groups.length === 0) &&
        (tasks.length === 0 ? nothingListed(asked, reset, nextCursor !== undefined) : listText(tasks)),
      total !== undefined && total !== NONE && `Total ${total}.`,
      tags !== undefined &&
        tags.length > 0 &&
        `Tags: ${[...tags.map((tag) => tellGroup(tag, "tag")), ...andMore].join(", ")}`,
      more && `More has changed: changed_since ${change}`,
      nextCursor !== undefined &&
        `There ${tasks.length < limitOf(asked) ? "may be" : "are"} more: cursor ${nextCursor}`,
      [
        now !== undefined && timeZone !== undefined && tellClock(now, timeZone),
        change !== undefined && `Change ${change}.`,
      ]
        .filter(Boolean)
        .join(" "),
    ]
      .filter(Boolean)
      .join("\n");
  },
});

/** How many tasks a page has room for. */
function limitOf({ limit, detail }: Pick<z.output<typeof input>, "limit" | "detail">): number {
  return detail ? Math.min(limit, LARGEST_DETAILED_PAGE) : limit;
}

/** The total where there is nothing, which is said in words. */
const NONE = "0";

/** Says that nothing is due then. */
const NOTHING_DUE: Readonly<Record<DueWord, string>> = {
  overdue: "Nothing is overdue.",
  today: "Nothing is due today.",
  tomorrow: "Nothing is due tomorrow.",
  this_week: "Nothing is due this week.",
  no_date: "There is no open task without a date.",
};

/** Says of a list without tasks what it lacks: where only some of them were asked for, there may be others. */
function nothingListed(asked: z.output<typeof input>, isReset = false, isMore = false): string {
  const {
    status,
    order: _order,
    limit: _limit,
    total: _total,
    detail: _detail,
    group_by: grouping,
    changed_since: since,
    ...filter
  } = asked;
  if (isReset) return `What has changed since ${since} is not known: list anew, without changed_since.`;
  if (since !== undefined) return `Nothing has changed since ${since}.`;
  if (isMore) return "None of the tasks looked at so far fit.";
  const [first, ...others] = filtersGiven({ status: "open", ...filter });
  if (filter.due !== undefined && others.length === 0 && status === "open") return NOTHING_DUE[filter.due];
  if (first !== undefined) return "No tasks fit.";
  // Who counts by status asks for all of them.
  return status === "all" || grouping === "status" ? "No tasks." : `No ${status.replace("_", " ")} tasks.`;
}

function toSecond(moment: Date): Date {
  return new Date(Math.floor(moment.getTime() / 1000) * 1000);
}

/** A group of tasks with its number, a day with that of the week. */
function tellGroup({ name, count }: { name: string; count: string }, grouping: Grouping | undefined): string {
  if (grouping === "tag") return `${quote(name)} ${count}`;
  return grouping === "day" && name !== NO_DAY
    ? `${weekdayOf(new Date(name), "UTC")} ${name}: ${count}`
    : `${name}: ${count}`;
}

type AskedBeside = Omit<z.output<typeof input>, "changed_since">;

/** @throws ApplicationError `invalid_input` for anything beside it: a digest is of all tasks, and as long as it is */
async function listDigest(
  { order, limit, digest: _digest, status, ...beside }: AskedBeside,
  database: UserDatabase,
): Promise<z.output<typeof output>> {
  const given = [
    ...(status === "open" ? [] : ["status"]),
    ...filtersGiven({ status: "open", ...beside }),
    ...orderGiven(order),
    ...(limit === USUAL_PAGE ? [] : ["limit"]),
  ];
  requireNothing(given, "must be left out beside digest, which tells where all tasks stand");
  const digest = await digestTasks(database);
  return { tasks: [], ...clockOf(digest), change: digest.lastChange, digest: showDigest(digest) };
}

/** @throws ApplicationError `invalid_input` */
function requireNoCursor({ cursor }: AskedBeside): void {
  requireNothing(cursor === undefined ? [] : ["cursor"], "must be left out beside group_by, which lists no tasks");
}

function requireNothing([field]: readonly string[], message: string): void {
  if (field !== undefined) throw refusedField("invalid_input", field, message);
}

/** The order where it is another than the usual one, which models fill in. */
function orderGiven(order: TaskOrder): string[] {
  return order === USUAL_ORDER ? [] : ["order"];
}

/** @throws ApplicationError `invalid_input` for a filter beside it: a task that does not fit it any more would be missed */
async function listChanges(
  since: number,
  { order, limit, ...beside }: AskedBeside,
  database: UserDatabase,
): Promise<z.output<typeof output>> {
  requireNothing(
    [...filtersGiven(beside), ...orderGiven(order)],
    "must be left out beside changed_since, which tells of every task that has changed, in the order of their changes",
  );
  const changed = await readChangedTasks(database, since, limit);
  return {
    tasks: changedPage(changed.tasks),
    change: changed.change,
    ...(changed.isMore && { more: true }),
    ...(changed.isReset && { reset: true }),
  };
}

function tellClock(now: string, timeZone: string): string {
  return `It is ${weekdayOf(new Date(now), timeZone)}, ${now} in ${timeZone}.`;
}

/** Says that there are more groups than an answer has. */
function moreGroups({ more }: TaskCounts): { more_groups?: string } {
  return more === undefined ? {} : { more_groups: more };
}

function clockOf({ now, timeZone }: Pick<TaskPage, "now" | "timeZone">): { now: string; time_zone: string } {
  return { now: showMoment(toSecond(now), timeZone), time_zone: timeZone };
}
