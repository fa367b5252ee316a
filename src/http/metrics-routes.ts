import { createHash, timingSafeEqual } from "node:crypto";
import { Hono, type MiddlewareHandler } from "hono";
import { ApplicationError } from "../errors.ts";
import { isDatabaseUp } from "../observability/health.ts";
import { METRICS_SHARDS, metricsShard } from "../observability/metrics-hand-over.ts";
import { addTotals, METRICS_MEDIA_TYPE, toMetricsText } from "../observability/metrics-text.ts";
import { type Application, waitUntilOf } from "./application.ts";
import { readBearerToken } from "./require-caller.ts";

/** Lets a request pass that carries METRICS_TOKEN as its bearer token. */
export const requireMetricsToken: MiddlewareHandler<Application> = async (context, next) => {
  const { METRICS_TOKEN: token } = context.var.configuration;
  if (token === undefined)
    throw new ApplicationError("not_found", "There are no metrics here: METRICS_TOKEN is not set.");
  if (!isSame(readBearerToken(context, "here it is METRICS_TOKEN"), token)) {
    throw new ApplicationError("unauthenticated", "The bearer token is not METRICS_TOKEN.");
  }
  await next();
};

/**
 * `GET /metrics`: the totals of all isolates; it answers with the database down. Should
 * a shard not answer there is no answer at all, because totals without it would look like counters that were reset.
 */
export const metricsRoutes = new Hono<Application>().get("/", async (context) => {
  const shards = Array.from({ length: METRICS_SHARDS }, (_, shard) => metricsShard(context.env.METRICS, shard).read());
  const [totals, isUp] = await Promise.all([
    Promise.all(shards).catch((error: unknown) => {
      throw new ApplicationError("unavailable", "The metrics cannot be read; try again in a moment.", {
        retryAfter: 5,
        cause: error,
      });
    }),
    isDatabaseUp({ ...context.var, waitUntil: waitUntilOf(context) }),
  ]);
  return context.text(toMetricsText(addTotals(totals), isUp), 200, {
    "Content-Type": METRICS_MEDIA_TYPE,
    "Cache-Control": "no-store",
  });
});

/** Takes the same time whatever was presented. */
function isSame(presented: string, token: string): boolean {
  return timingSafeEqual(sha256(presented), sha256(token));
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
