import type { MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import { millisecondsSince } from "../observability/log.ts";
import { type Application, requestLogger } from "./application.ts";

/** Writes one line a request. It names the route and not the path, which may hold anything a client has sent. */
export const accessLog: MiddlewareHandler<Application> = async (context, next) => {
  const startedAt = performance.now();
  await next();
  requestLogger(context).request({
    method: context.req.method,
    route: routePath(context, -1),
    status: context.res.status,
    duration_ms: millisecondsSince(startedAt),
  });
};
