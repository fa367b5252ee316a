import type { PGlite } from "@electric-sql/pglite";
import { createPgConfig } from "@electric-sql/pglite/node-postgres";
import pg from "pg";

const CONNECTION_TIMEOUT_MILLISECONDS = 5_000;
const CONNECTIONS = 10;

// Neon answers with the text that Postgres sends, and its client parses it.
const rawText: pg.CustomTypesConfig = { getTypeParser: () => (value: string) => value };

/** Connections to PostgreSQL whose values come back as Postgres' own text. */
export function openRawPool(url: URL): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url.href,
    max: CONNECTIONS,
    connectionTimeoutMillis: CONNECTION_TIMEOUT_MILLISECONDS,
    application_name: "mcp-task-server gateway",
    types: rawText,
    pipeline: true,
  });
  // The pool drops a connection that breaks, and its query fails; without listeners that would end the process.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}

/** The same over PGlite, which has a single connection: requests wait for each other. */
export function openRawEmbeddedPool(database: PGlite): pg.Pool {
  const pool = new pg.Pool({
    ...createPgConfig(database),
    max: 1,
    idleTimeoutMillis: 0,
    types: rawText,
    pipeline: true,
  });
  pool.on("error", () => undefined);
  return pool;
}
