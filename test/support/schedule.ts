import { createExecutionContext, createScheduledController, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import worker from "../../src/worker.ts";
import { ownerQuery } from "./owner.ts";

/**
 * Runs the schedule once, as Cloudflare's cron does, and waits for what goes on after it.
 *
 * @param variables what the worker is given beside its environment
 */
export async function runSchedule(variables: Readonly<Record<string, unknown>> = {}): Promise<void> {
  const context = createExecutionContext();
  try {
    await worker.scheduled(createScheduledController(), { ...env, ...variables }, context);
  } finally {
    await waitOnExecutionContext(context);
  }
}

/**
 * Lets so many days pass for what a user has done: for their changes up to a number, and for the deletions of their tasks, in the
 * log as well. No trigger takes that for a change.
 */
export async function letDaysPass(userId: number, days: number, upTo = Number.MAX_SAFE_INTEGER): Promise<void> {
  const earlier = (image: string) =>
    `${image} || jsonb_build_object('deleted_at', (${image} ->> 'deleted_at')::timestamptz - interval '${days} days')`;
  await ownerQuery(`do $$ begin
    set local session_replication_role = replica;
    set local timezone = 'UTC';
    update changes set at = at - interval '${days} days' where user_id = ${userId} and change <= ${upTo};
    update tasks set deleted_at = deleted_at - interval '${days} days' where user_id = ${userId};
    update task_changes set before = ${earlier("before")} where user_id = ${userId} and before ->> 'deleted_at' <> '';
    update task_changes set after = ${earlier("after")} where user_id = ${userId} and after ->> 'deleted_at' <> '';
  end $$`);
}
