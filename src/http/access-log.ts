import type { MiddlewareHandler } from "hono";
import { millisecondsSince } from "../observability/log.ts";
import { type HttpMethod, httpMethods } from "../observability/metric-catalog.ts";
import { metrics } from "../observability/metrics.ts";
import { handOverMetrics } from "../observability/metrics-hand-over.ts";
import { type Application, requestLogger, routeOf, waitUntilOf } from "./application.ts";
import { problemResponse } from "./problem.ts";

/**
 * Writes one line a request, and counts it. Both name the route and not the path, which may hold anything a client
 * has sent.
 */
export const accessLog: MiddlewareHandler<Application> = async (context, next) => {
  const startedAt = performance.now();
  try {
    await next();
  } catch (thrown) {
    // Hono answers errors itself, and passes on whatever else is thrown.
    context.res = problemResponse(thrown, context);
  }
  // Here and not before, because an answer that was not made by the context would lack it.
  context.res.headers.set("X-Request-Id", context.get("requestId"));
  const milliseconds = millisecondsSince(startedAt);
  const { method } = context.req;
  const { status } = context.res;
  const log = requestLogger(context);
  // The logger names the route.
  log.request({ method, status, duration_ms: milliseconds });
  const labels = { route: routeOf(context), method: methodLabel(method) };
  metrics.count("http_requests_total", { ...labels, status: `${status}` });
  metrics.observe("http_request_duration_seconds", labels, milliseconds / 1000);
  if (status === 429) metrics.count("rate_limited_requests_total", { route: labels.route });
  handOverMetrics({ env: context.env, waitUntil: waitUntilOf(context), log });
};

/** A client may send any word as a method. */
function methodLabel(method: string): HttpMethod {
  return httpMethods.find((known) => known === method) ?? "other";
}
