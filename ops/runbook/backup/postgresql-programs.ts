import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { RunbookError, reasonOf } from "../runbook-error.ts";

/**
 * Runs one of PostgreSQL's programs on a database. Where it is and the password go by the environment, which other
 * users of the machine cannot read, and not by the arguments.
 *
 * @throws RunbookError with the program's own words
 */
export async function runOnDatabase(
  program: "pg_dump" | "pg_restore",
  url: URL,
  args: readonly string[],
): Promise<void> {
  const child = spawn(program, args, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...connectionVariables(url) },
  });
  const failed = once(child, "error").then(([error]) => {
    throw new RunbookError(`${program} cannot be run: ${reasonOf(error)}; install PostgreSQL's client programs`);
  });
  const ended = Promise.all([once(child, "close"), text(child.stderr)]);
  const [[code], errors] = await Promise.race([ended, failed]);
  if (code !== 0) throw new RunbookError(`${program} failed: ${errors.replace(/\s+/g, " ").trim().slice(0, 500)}`);
}

/** https://www.postgresql.org/docs/current/libpq-envars.html */
function connectionVariables(url: URL): Record<string, string> {
  const parameters: Record<string, string> = {
    PGHOST: url.hostname,
    PGPORT: url.port || "5432",
    PGUSER: decodeURIComponent(url.username),
    PGPASSWORD: decodeURIComponent(url.password),
    PGDATABASE: decodeURIComponent(url.pathname.slice(1)),
  };
  const sslMode = url.searchParams.get("sslmode");
  if (sslMode !== null) parameters.PGSSLMODE = sslMode;
  return parameters;
}
