import type { Context, MiddlewareHandler } from "hono";
import type { Caller } from "../caller.ts";
import { type Configuration, readConfiguration } from "../config.ts";
import { type Database, openDatabase } from "../database/database.ts";
import { createLogger, type Logger } from "../observability/log.ts";

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

const databases = new WeakMap<Configuration, Database>();

/** Gives every handler its configuration, logger and database; throws `misconfigured` where a variable does not fit. */
export const provideServices: MiddlewareHandler<Application> = async (context, next) => {
  const configuration = readConfiguration(context.env);
  context.set("configuration", configuration);
  context.set("log", createLogger(configuration.LOG_LEVEL, { request_id: context.get("requestId") }));
  context.set("database", databaseFor(configuration));
  await next();
};

/** The logger of a request; also there when the configuration was not. */
export function requestLogger(context: ApplicationContext): Logger {
  return context.get("log") ?? createLogger("info", { request_id: context.get("requestId") });
}

/** The database of a configuration; opened once. */
export function databaseFor(configuration: Configuration): Database {
  const opened = databases.get(configuration);
  if (opened !== undefined) return opened;
  const database = openDatabase(configuration.DATABASE_URL, configuration.NEON_FETCH_ENDPOINT);
  databases.set(configuration, database);
  return database;
}
