import { inArray, type Placeholder, type SQL, sql } from "drizzle-orm";
import { lostClaim } from "../database/claim-conflict.ts";
import { ApplicationError } from "../errors.ts";
import { openStatuses } from "./ready.ts";
import type { Task } from "./task.ts";
import { type TaskRow, tasks } from "./task-rows.ts";

/**
 * What becomes of a task's claim: it is taken, or renewed where the call names one, for so many minutes; or it ends. What else
 * its columns say the database sees to (`hold_to_claim`), and that nobody takes what somebody holds.
 */
export type Lease = { readonly minutes: number } | { readonly release: true };

/**
 * The columns of a claim as a lease sets them.
 *
 * @param isHeld whether the call names the claim that it renews or ends; a person may end one without, and so lets a task that
 *   was set aside be taken again
 */
export function leaseColumns(lease: Lease, isHeld: boolean) {
  if ("release" in lease) return { claimedBy: null, claimedUntil: null, ...(!isHeld && { claimLapses: 0 }) };
  const { claimedUntil, ...claimed } = claimedFor(lease.minutes);
  return isHeld ? { claimedUntil } : { ...claimed, claimedUntil };
}

/** The columns of a claim that a call takes. */
export function claimedFor(minutes: number | Placeholder) {
  return {
    claim: sql`current_setting('app.change')::bigint`,
    claimedUntil: sql`claim_clock() + make_interval(mins => ${minutes}::integer)`,
  };
}

/** The condition that a task can be leased; only one that is open, or about to be, is taken. */
export function isLeasable(lease: Lease, isHeld: boolean, status: Task["status"] | undefined): SQL | undefined {
  return "release" in lease || isHeld || status !== undefined ? undefined : inArray(tasks.status, [...openStatuses]);
}

/**
 * Makes sure that a call which has changed nothing would have been let.
 *
 * @param task as it is
 * @throws ApplicationError `conflict` for a task that cannot be claimed, and for a claim that another has superseded
 */
export function requireClaim(task: TaskRow, claim: number | undefined, lease: Lease | undefined): void {
  if (claim !== undefined && task.claim !== claim) throw lostClaim(task.id, claim);
  if (claim !== undefined || lease === undefined || "release" in lease) return;
  throw new ApplicationError(
    "conflict",
    `Task #${task.id} is ${task.status}; only a task that is pending or in_progress can be claimed. Nothing was changed.`,
  );
}
