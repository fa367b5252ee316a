import { sql } from "drizzle-orm";
import * as z from "zod";

/** What is known of the tasks that a task refers to. */
export const referencesSchema = z.object({
  /** Those that are there: what is deleted is not shown. */
  there: z.array(z.int()),
  /** Of those that it waits for, those that are not finished. */
  open: z.array(z.int()).default([]),
});
type References = z.output<typeof referencesSchema>;

/** Reads what is known of the tasks that a task of a query from `tasks` refers to; null where it refers to none. */
export const references = sql<References | null>`case
    when tasks.parent_id is not null or tasks.discovered_from is not null or tasks.blocked_by <> '{}'
    then (
      select jsonb_build_object(
        'there', coalesce(jsonb_agg(other.id), '[]'),
        'open', coalesce(jsonb_agg(other.id order by other.id) filter (
          where other.id = any(tasks.blocked_by) and other.status in ('pending', 'in_progress')
        ), '[]')
      )
      from tasks as other
      where other.user_id = tasks.user_id
        and other.id = any(tasks.blocked_by || array[tasks.parent_id, tasks.discovered_from])
        and other.deleted_at is null
    )
  end`.as("task_references");

/** What a row says of the tasks that it refers to. */
export type ReferringRow = {
  /** As `references` reads it; absent where it was not asked for, and all are shown. */
  readonly references?: References | null | undefined;
};

/** The ids of the tasks that a row waits for, as far as they are there; undefined where it waits for none. */
export function idsThere(ids: readonly number[], row: ReferringRow): number[] | undefined {
  const there = ids.filter((id) => idWhereThere(id, row) !== undefined);
  return there.length === 0 ? undefined : there;
}

/** The id of a task that a row refers to, where that task is there. */
export function idWhereThere(id: number | null, { references: known }: ReferringRow): number | undefined {
  if (id === null) return undefined;
  return known == null || known.there.includes(id) ? id : undefined;
}
