import { type Configuration, readConfiguration } from "./config.ts";
import { type Database, type ObservableDatabase, openDatabase } from "./database/database.ts";
import { createLogger, type LogFields, type Logger } from "./observability/log.ts";
import { handOverMetrics } from "./observability/metrics-hand-over.ts";
import { observeDatabase } from "./observability/observe-database.ts";
import { createErrorReporter } from "./observability/sentry.ts";

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

const connections = new WeakMap<Configuration, ObservableDatabase>();

/** The connection of a configuration, which holds nothing open; made once. */
function connectionFor(configuration: Configuration): ObservableDatabase {
  const opened = connections.get(configuration);
  if (opened !== undefined) return opened;
  const { DATABASE_URL, NEON_FETCH_ENDPOINT, DATABASE_TIMEOUT } = configuration;
  const connection = openDatabase(DATABASE_URL, NEON_FETCH_ENDPOINT, DATABASE_TIMEOUT);
  connections.set(configuration, connection);
  return connection;
}
