import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { RunbookError, reasonOf } from "../runbook-error.ts";

type Program = "pg_dump" | "pg_restore" | "psql";

/** One of PostgreSQL's programs at work. */
export interface RunningProgram {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Resolves when it has ended well, else rejects with a `RunbookError` in the program's own words. */
  readonly ended: Promise<void>;
}

/**
 * Starts one of PostgreSQL's programs on a database. Where it is and the password go by the environment, which other
 * users of the machine cannot read, and not by the arguments.
 *
 * @param signal ends the program, and is then what it fails with
 */
export function startOnDatabase(
  program: Program,
  url: URL,
  args: readonly string[],
  signal?: AbortSignal,
): RunningProgram {
  signal?.throwIfAborted();
  const child = spawn(program, args, {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...connectionVariables(url) },
  });
  // A program that has failed reads no more; what it says of it counts, and not the pipe that broke.
  child.stdin.on("error", () => undefined);
  const ended = endOf(program, child, signal);
  ended.catch(() => undefined);
  return { stdin: child.stdin, stdout: child.stdout, ended };
}

/**
 * Runs one of PostgreSQL's programs on a database.
 *
 * @returns what it printed
 * @throws RunbookError with the program's own words
 */
export async function runOnDatabase(
  program: Program,
  url: URL,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<string> {
  const { stdin, stdout, ended } = startOnDatabase(program, url, args, signal);
  stdin.end();
  const [printed] = await Promise.all([text(stdout), ended]);
  return printed;
}

async function endOf(
  program: Program,
  child: ChildProcessByStdio<Writable, Readable, Readable>,
  signal?: AbortSignal,
): Promise<void> {
  const end = () => child.kill();
  signal?.addEventListener("abort", end);
  try {
    const exited = new Promise<number | null>((resolve, reject) => {
      child.once("exit", resolve);
      child.once("error", (error) => {
        reject(new RunbookError(`${program} cannot be run: ${reasonOf(error)}; install PostgreSQL's client programs`));
      });
    });
    const [code, errors] = await Promise.all([exited, text(child.stderr)]);
    signal?.throwIfAborted();
    if (code !== 0) throw new RunbookError(`${program} failed: ${errors.replace(/\s+/g, " ").trim().slice(0, 500)}`);
  } finally {
    signal?.removeEventListener("abort", end);
  }
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
