import type { Context, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import type { MailServices } from "../auth/mail/send-mail.ts";
import type { Caller, Origin } from "../caller.ts";
import type { Configuration } from "../config.ts";
import type { Database } from "../database/database.ts";
import type { UserDatabase } from "../database/user-database.ts";
import { createLogger, type LogFields, type Logger } from "../observability/log.ts";
import { openServices } from "../services.ts";

/** What Hono knows of this application: its bindings, and what middleware has put in place for the handlers. */
export interface Application {
  Bindings: Env;
  Variables: {
    requestId: string;
    /** As `routeOf` has found it. */
    route?: string;
    configuration: Configuration;
    log: Logger;
    database: Database;
    /** How many bytes of body the route takes; set behind `takeBody` only. */
    largestBody?: number;
    /** Set behind `requireCaller` only. */
    caller: Caller;
    /** The database as the caller's; set behind `requireCaller` only. */
    userDatabase: UserDatabase;
  };
}

export type ApplicationContext = Context<Application>;

/** Gives every handler its configuration, logger and database; throws `misconfigured` where a variable does not fit. */
export const provideServices: MiddlewareHandler<Application> = async (context, next) => {
  const services = openServices(context.env, waitUntilOf(context), logFields(context));
  context.set("configuration", services.configuration);
  context.set("log", services.log);
  context.set("database", services.database);
  await next();
};

/** How a request comes that is for an interface. */
export function originOf(context: ApplicationContext, via: Origin["via"], client?: string): Origin {
  return { via, client, requestId: context.get("requestId") };
}

/** The time zone of the connection that a request comes by, as Cloudflare has it. */
export function timeZoneOf(context: ApplicationContext): string | undefined {
  const timeZone: unknown = context.req.raw.cf?.timezone;
  return typeof timeZone === "string" ? timeZone : undefined;
}

/** The logger of a request; also there when the configuration was not. */
export function requestLogger(context: ApplicationContext): Logger {
  return context.get("log") ?? createLogger("info", logFields(context));
}

/** Keeps what is going on in a request alive after its answer. */
export function waitUntilOf(context: ApplicationContext): (promise: Promise<unknown>) => void {
  return (promise) => context.executionCtx.waitUntil(promise);
}

/** What a mail is sent with in a request. */
export function mailServicesOf(context: ApplicationContext): MailServices {
  const { configuration, log } = context.var;
  return { configuration, log, waitUntil: waitUntilOf(context), env: context.env };
}

/**
 * The pattern of the route that a request is for; `/*` where there is none. Middleware that was registered behind a
 * handler matches as well, and has a wildcard in its path, as no handler has.
 */
export function routeOf(context: ApplicationContext): string {
  const known = context.get("route");
  if (known !== undefined) return known;
  const route = matchedRoutes(context).findLast(({ path }) => !path.includes("*"))?.path ?? "/*";
  context.set("route", route);
  return route;
}

function logFields(context: ApplicationContext): LogFields {
  return { request_id: context.get("requestId"), route: routeOf(context) };
}
