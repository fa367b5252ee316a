import type { Context, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import type { Caller } from "../caller.ts";
import { type Configuration, readConfiguration } from "../config.ts";
import { type Database, type ObservableDatabase, openDatabase } from "../database/database.ts";
import { createLogger, type LogFields, type Logger } from "../observability/log.ts";
import { handOverMetrics } from "../observability/metrics-hand-over.ts";
import { observeDatabase } from "../observability/observe-database.ts";
import { createErrorReporter } from "../observability/sentry.ts";

/** What Hono knows of this application: its bindings, and what middleware has put in place for the handlers. */
export interface Application {
  Bindings: Env;
  Variables: {
    requestId: string;
    configuration: Configuration;
    log: Logger;
    database: Database;
    /** Set behind `requireCaller` only. */
    caller: Caller;
  };
}

export type ApplicationContext = Context<Application>;

/** What a request, or a call of a Durable Object, works with. */
export interface Services {
  readonly configuration: Configuration;
  readonly log: Logger;
  readonly database: Database;
}

/**
 * Opens the services for one request.
 *
 * @param waitUntil keeps what is going on alive after the answer
 * @param fields what every log line says
 * @throws ApplicationError `misconfigured`
 */
export function openServices(env: Env, waitUntil: (promise: Promise<unknown>) => void, fields: LogFields): Services {
  const configuration = readConfiguration(env);
  const { LOG_LEVEL, SLOW_QUERY_MS } = configuration;
  const report = createErrorReporter(configuration, env.CF_VERSION_METADATA.id, {
    waitUntil,
    log: createLogger(LOG_LEVEL, fields),
  });
  const log = createLogger(LOG_LEVEL, fields, report);
  // A tool may go on after the answer to its request has begun; what it counts must not wait for another request.
  const handOver = () => handOverMetrics({ env, waitUntil, log });
  const database = connectionFor(configuration).observedBy(observeDatabase(log, SLOW_QUERY_MS, handOver));
  return { configuration, log, database };
}

/** Gives every handler its configuration, logger and database; throws `misconfigured` where a variable does not fit. */
export const provideServices: MiddlewareHandler<Application> = async (context, next) => {
  const services = openServices(context.env, waitUntilOf(context), logFields(context));
  context.set("configuration", services.configuration);
  context.set("log", services.log);
  context.set("database", services.database);
  await next();
};

/** The logger of a request; also there when the configuration was not. */
export function requestLogger(context: ApplicationContext): Logger {
  return context.get("log") ?? createLogger("info", logFields(context));
}

/** Keeps what is going on in a request alive after its answer. */
export function waitUntilOf(context: ApplicationContext): (promise: Promise<unknown>) => void {
  return (promise) => context.executionCtx.waitUntil(promise);
}

/**
 * The pattern of the route that a request is for; `/*` where there is none. Middleware that was registered behind a
 * handler matches as well, and has a wildcard in its path, as no handler has.
 */
export function routeOf(context: ApplicationContext): string {
  return matchedRoutes(context).findLast(({ path }) => !path.includes("*"))?.path ?? "/*";
}

function logFields(context: ApplicationContext): LogFields {
  return { request_id: context.get("requestId"), route: routeOf(context) };
}

const connections = new WeakMap<Configuration, ObservableDatabase>();

/** The connection of a configuration, which holds nothing open; made once. */
function connectionFor(configuration: Configuration): ObservableDatabase {
  const opened = connections.get(configuration);
  if (opened !== undefined) return opened;
  const connection = openDatabase(configuration.DATABASE_URL, configuration.NEON_FETCH_ENDPOINT);
  connections.set(configuration, connection);
  return connection;
}
