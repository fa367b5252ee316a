import type { DatabaseObserver } from "../database/database.ts";
import type { Logger } from "./log.ts";
import { metrics } from "./metrics.ts";

/**
 * Counts and times the requests to the database, and logs those that take long: by what their statements do, never
 * with the parameters.
 *
 * @param handOver called when something was counted
 */
export function observeDatabase(log: Logger, slowQueryMilliseconds: number, handOver: () => void): DatabaseObserver {
  return ({ milliseconds, failure, limit, userId, operations }) => {
    metrics.observe("database_query_duration_seconds", {}, milliseconds / 1000);
    if (failure !== undefined) metrics.count("database_errors_total", { status: failure });
    if (limit !== undefined) metrics.count("limits_reached_total", { limit });
    handOver();
    if (milliseconds < slowQueryMilliseconds) return;
    metrics.count("slow_queries_total", {});
    log.warn("slow_query", {
      operations: operations(),
      duration_ms: Math.round(milliseconds * 10) / 10,
      ...(userId !== undefined && { user_id: userId }),
      ...(failure !== undefined && { failure }),
    });
  };
}
