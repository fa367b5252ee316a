import { inArray, not, type SQL, sql } from "drizzle-orm";
import { MOST_LAPSES } from "./task.ts";
import { tasks } from "./task-rows.ts";

/** The statuses of a task that is not finished. */
export const openStatuses = ["pending", "in_progress"] as const;

/** The condition that somebody holds a live claim of a task. */
export const isClaimLive: SQL = sql`coalesce(${tasks.claimedUntil} > claim_clock(), false)`;

/** The condition that a task of a query from `tasks` waits for another that is open. */
export const isBlocked: SQL = sql`(tasks.blocked_by <> '{}' and exists (
  select from tasks as blocker
  where blocker.user_id = tasks.user_id and blocker.id = any(tasks.blocked_by)
    and blocker.status in ('pending', 'in_progress') and blocker.deleted_at is null
))`;

/**
 * The conditions of a task that an agent may take next: it is open, waits for no other, is not put off until later, nobody holds a
 * live claim of it, and it is not set aside for a person. A claim that has lapsed and was not counted yet counts here.
 */
export const isReady: readonly SQL[] = [
  inArray(tasks.status, [...openStatuses]),
  not(isClaimLive),
  not(isBlocked),
  sql`coalesce(${tasks.scheduledDate} <= (now() at time zone current_setting('app.time_zone'))::date, true)`,
  sql`coalesce(${tasks.scheduledAt} <= now(), true)`,
  sql`${tasks.claimLapses} + (${tasks.claimedUntil} is not null)::integer < ${sql.raw(`${MOST_LAPSES}`)}`,
];
