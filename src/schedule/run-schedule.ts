import { type ApplicationError, toApplicationError } from "../errors.ts";
import { type Logger, millisecondsSince } from "../observability/log.ts";
import { logFailure } from "../observability/log-failure.ts";
import { metrics } from "../observability/metrics.ts";
import { handOverMetrics } from "../observability/metrics-hand-over.ts";
import { openServices, type Services } from "../services.ts";
import { type Chore, choresOf, takeStep } from "./purge.ts";

/** For how long a run may begin further steps; what is left is for the next one. */
const RUN_MILLISECONDS = 60_000;

/**
 * Does what is due, whenever Cloudflare's cron says so: wrangler.toml has when. Chores take turns, a step each, until none
 * has anything left to do, or the time of the run is over. One that fails is left out for the rest of the run, and the others
 * go on. Two runs at once do each other no harm.
 *
 * @throws ApplicationError that of the first chore that failed, so that Cloudflare counts the run as failed
 */
export async function runSchedule(env: Env, context: Pick<ExecutionContext, "waitUntil">): Promise<void> {
  const waitUntil = (promise: Promise<unknown>) => context.waitUntil(promise);
  const services = openServices(env, waitUntil, { trigger: "schedule" });
  const { log } = services;
  const failure = await runChores(services, performance.now());
  metrics.count("purge_runs_total", { status: failure?.kind ?? "success" });
  handOverMetrics({ env, waitUntil, log });
  if (failure !== undefined) throw failure;
}

async function runChores({ configuration, database, log }: Services, startedAt: number) {
  let failure: ApplicationError | undefined;
  let left = choresOf(configuration);
  while (left.length > 0 && performance.now() - startedAt < RUN_MILLISECONDS) {
    const unfinished: Chore[] = [];
    for (const chore of left) {
      try {
        const taken = await takeStep(database, chore);
        metrics.count("purged_rows_total", { rows: chore.rows }, taken);
        if (taken > 0) unfinished.push(chore);
      } catch (error) {
        failure ??= fail(log.with({ chore: chore.rows }), error);
      }
    }
    left = unfinished;
  }
  log.info("schedule_run", { duration_ms: millisecondsSince(startedAt), unfinished: left.length });
  return failure;
}

/** Logs an error, and has it reported. */
function fail(log: Logger, error: unknown): ApplicationError {
  const failure = toApplicationError(error);
  logFailure(log, failure);
  return failure;
}
