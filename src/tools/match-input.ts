import * as z from "zod";
import { MOST_MATCHED } from "../database/matched-tasks.ts";
import type { MatchedTasks } from "../tasks/match-tasks.ts";
import { type NamedTasks, namedTasks, namesTask } from "./call-inputs.ts";
import { publishedFields } from "./published-fields.ts";
import { filterInputs, toTaskFilter } from "./task-filters.ts";

/**
 * How a tool takes the tasks that fit a filter. An object of its own, as status, priority, tags and due stand beside it for what is
 * to be set.
 */
export const matchInputs = {
  match: z
    .strictObject(filterInputs)
    .register(publishedFields, { only: ["status", "due"] })
    .optional()
    .describe("In place of ids: all that fit these filters of list_tasks."),
  expect_count: z.int().min(1).max(MOST_MATCHED).optional().describe("How many fit match."),
};

type MatchInput = { readonly [Name in keyof typeof matchInputs]?: z.output<(typeof matchInputs)[Name]> };

/**
 * The tasks that a call matches; undefined where it names them.
 *
 * @throws ApplicationError `invalid_input` for a window that ends before it begins
 */
export function matchedBy({ match, expect_count: expectCount }: MatchInput): MatchedTasks | undefined {
  if (match === undefined || expectCount === undefined) return undefined;
  return { filter: toTaskFilter(match, "match."), expectCount };
}

/** Refuses what cannot be meant of a call that matches tasks, before a person is asked about it. */
export function checkMatch(
  {
    match,
    expect_count: expectCount,
    ...named
  }: MatchInput & NamedTasks & { readonly expected_version?: number | undefined },
  context: z.RefinementCtx,
): void {
  const refuse = (field: string, message: string) => context.addIssue({ code: "custom", path: [field], message });
  if (match === undefined) {
    if (expectCount === undefined) return;
    const { length: count } = namedTasks(named);
    if (count === 0) refuse("match", "must be given with expect_count");
    else if (count !== expectCount)
      refuse("expect_count", `must be how many tasks the call names, ${count}, or be left out`);
  } else if (namesTask(named)) {
    refuse("match", `cannot go with ${named.task_id === undefined ? "task_ids" : "task_id"}; do one of the two`);
  } else if (named.expected_version !== undefined) refuse("expected_version", "goes with one task alone");
  else if (match.status === "deleted") refuse("match", "finds no deleted tasks; undo brings them back");
  else if (match.priority === "none") refuse("match", "finds any priority with none; leave priority out for that");
  else if (expectCount === undefined) {
    refuse("expect_count", "must be given with match: how many tasks fit, which list_tasks says with total");
  }
}
