import * as z from "zod";
import { ApplicationError } from "../errors.ts";
import { showMoment } from "../moment.ts";
import { quote } from "../quote.ts";
import { TaskClaimed } from "./user-database.ts";

/** What `raise_claim` tells of the task, and of the claim that the call has named. */
const detailSchema = z.object({
  task_id: z.int(),
  given: z.int().nullable(),
  claim: z.int().nullable(),
  claimed_by: z.string().nullable(),
  claimed_until: z.iso
    .datetime({ offset: true })
    .transform((moment) => new Date(moment))
    .nullable(),
  time_zone: z.string(),
});

/**
 * The error of a call that a claim has kept from changing a task: it names who holds it and until when.
 *
 * @param detail of Postgres' error, JSON
 * @param cause the error itself
 */
export function claimConflict(detail: string | undefined, cause: unknown): ApplicationError {
  const { task_id: id, given, claim, time_zone: timeZone, ...holder } = detailSchema.parse(JSON.parse(detail ?? ""));
  const by = holder.claimed_by === null ? undefined : quote(holder.claimed_by);
  const until = holder.claimed_until === null ? "" : ` until ${showMoment(holder.claimed_until, timeZone)}`;
  if (given === null) {
    const message = `Task #${id} is claimed by ${by}${until}; nothing was changed. Only its holder may change it, with the claim's number as claim.`;
    return new TaskClaimed(id, message, cause);
  }
  return lostClaim(
    id,
    given,
    claim === given || by === undefined ? undefined : `${by} claimed it after that,${until}`,
    cause,
  );
}

/** The error of a call under a claim that does not hold any more: of a task, or of any. */
export function lostClaim(id: number | undefined, given: number, since?: string, cause?: unknown): ApplicationError {
  const why = since ?? "it was ended, or never made";
  return new ApplicationError(
    "conflict",
    `Claim ${given}${id === undefined ? "" : ` of task #${id}`} does not hold: ${why}. Nothing was changed, and no call under that claim will ever change anything. Look at the ${id === undefined ? "tasks" : "task"} again.`,
    { cause },
  );
}
