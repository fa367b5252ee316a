import { getTableColumns, is, or, SQL, sql } from "drizzle-orm";
import type * as z from "zod";
import { type ApplicationError, refusedField } from "../errors.ts";
import { type Part, writeFields } from "./field-table.ts";
import { type Lease, leaseColumns } from "./lease.ts";
import { withRecurrence } from "./recurrence.ts";
import type { Task } from "./task.ts";
import { LONGEST_DESCRIPTION, MOST_TAGS, taskFields } from "./task-fields.ts";
import { tasks } from "./task-rows.ts";

type TaskInputs = Part<typeof taskFields, "input">;
type TaskValues = { readonly [Name in keyof TaskInputs]?: z.output<TaskInputs[Name]> | undefined };

/** What a new task is made of; what is absent takes its default. */
export type NewTask = TaskValues & { readonly title: string };

/** The fields that can be emptied. */
type EmptiableField = keyof Part<typeof taskFields, "empty">;

/** What changes in a task: what is given a value, what is emptied, and what comes to it or goes; what is absent stays. */
export type TaskEdit = TaskValues & {
  readonly clear?: readonly EmptiableField[] | undefined;
  /** Tags that it is to have and not to have, without regard to case. */
  readonly add_tags?: readonly string[] | undefined;
  readonly remove_tags?: readonly string[] | undefined;
  /** A line at the end of its description. */
  readonly append?: string | undefined;
};

type ColumnsOfTask = typeof tasks.$inferInsert;
type ColumnValues = { [Name in keyof ColumnsOfTask]?: ColumnsOfTask[Name] | SQL };

const touched = { version: sql`${tasks.version} + 1`, updatedAt: sql`now()` };

/** What is set in a task that is completed. */
export const completed = { status: "completed", completedAt: sql`now()`, ...touched } as const;

/** What is set in a task that is deleted. Its key is free again: what looks for it in tasks does not see this one any more. */
export const deleted = { deletedAt: sql`now()`, idempotencyKey: null, ...touched };

/** A limit that a task may reach by what comes to it. */
export interface Limit {
  readonly name: LimitOfTask;
  /** The condition that the task stays within it. */
  readonly isKept: SQL;
}

const limits = {
  tags: { field: "add_tags", refused: "do not fit", told: `it would have more than ${MOST_TAGS} tags` },
  description: {
    field: "append",
    refused: "does not fit",
    told: `its description would be longer than ${LONGEST_DESCRIPTION.toLocaleString("en-US")} characters`,
  },
};
export type LimitOfTask = keyof typeof limits;

/** Says which limit a task would go past; undefined for what is no name of one. */
export function tellLimit(name: string): string | undefined {
  return new Map(Object.entries(limits)).get(name)?.told;
}

/** What an update of a task sets, and where it does. */
export interface UpdateOfTask {
  readonly set: ColumnValues;
  /** The condition that the task is not yet as it is to be; undefined where it is to be set in any case. */
  readonly differs: SQL | undefined;
  readonly limits: readonly Limit[];
}

/**
 * What an update sets.
 *
 * @param lease what becomes of the task's claim, which changes no version
 * @param isHeld whether the call names the claim that it acts under
 */
export function updateOf(edit: TaskEdit, lease: Lease | undefined, isHeld: boolean): UpdateOfTask {
  const columns = columnsOf(edit);
  const leased = lease === undefined ? {} : leaseColumns(lease, isHeld);
  const differs = or(...differences(columns));
  const isUnheldRelease = lease !== undefined && "release" in lease && !isHeld;
  return {
    set: {
      ...columns,
      ...(edit.status !== undefined && { completedAt: completedAtFor(edit.status) }),
      ...(differs !== undefined && (lease === undefined ? touched : touchedWhere(differs))),
      ...leased,
    },
    differs: isUnheldRelease
      ? or(...differences({ ...columns, ...leased }))
      : lease === undefined
        ? differs
        : undefined,
    limits: limitsOf(columns, edit),
  };
}

/** What the columns of a task are set to. */
export function columnsOf(edit: TaskEdit): ColumnValues;
export function columnsOf({ clear = [], add_tags: added, remove_tags: removed, append, ...values }: TaskEdit): object {
  return {
    ...writeFields(taskFields, withRecurrence(values), clear),
    ...((added ?? removed) !== undefined && {
      tags: sql`edited_tags(${tasks.tags}, ${textArray(added)}, ${textArray(removed)})`,
    }),
    ...(append !== undefined && {
      description: sql`case when ${tasks.description} = '' then '' else ${tasks.description} || E'\n' end || ${append}::text`,
    }),
  };
}

/** The name of the first limit that a task would go past, null where there is none; undefined where there are no limits. */
export function limitPassed(kept: readonly Limit[]): SQL<LimitOfTask | null> | undefined {
  const cases = kept.map(({ name, isKept }) => sql`when not (${isKept}) then ${name}::text`);
  return cases.length === 0 ? undefined : sql`case ${sql.join(cases, sql` `)} end`;
}

/** How a call is refused that would take a task past a limit. */
export function pastLimit(name: LimitOfTask): ApplicationError {
  const { field, refused, told } = limits[name];
  return refusedField("invalid_input", field, `${refused}: ${told}`);
}

function limitsOf({ tags, description }: ColumnValues, { add_tags: added, append }: TaskEdit): Limit[] {
  return [
    ...(added === undefined ? [] : [{ name: "tags" as const, isKept: sql`cardinality(${tags}) <= ${MOST_TAGS}` }]),
    ...(append === undefined
      ? []
      : [{ name: "description" as const, isKept: sql`char_length(${description}) <= ${LONGEST_DESCRIPTION}` }]),
  ];
}

function textArray(texts: readonly string[] = []): SQL {
  return sql`array(select jsonb_array_elements_text(${JSON.stringify(texts)}::jsonb))`;
}

/** What an update that may change nothing but a claim, which is no part of a task's version, sets beside its columns. */
function touchedWhere(differs: SQL | undefined) {
  return {
    version: sql`case when ${differs} then ${touched.version} else ${tasks.version} end`,
    updatedAt: sql`case when ${differs} then ${touched.updatedAt} else ${tasks.updatedAt} end`,
  };
}

/** The conditions of which at least one holds where a task does not have these values yet. */
function differences(values: Readonly<Record<string, unknown>>): SQL[] {
  return Object.entries(getTableColumns(tasks)).flatMap(([name, column]) => {
    const value = values[name];
    return value === undefined
      ? []
      : [sql`${column} is distinct from ${is(value, SQL) ? value : sql.param(value, column)}`];
  });
}

function completedAtFor(status: Task["status"]) {
  return status === "completed" ? sql`coalesce(${tasks.completedAt}, now())` : null;
}
