import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { RunbookError } from "../runbook-error.ts";
import { type RunningProgram, startOnDatabase } from "./postgresql-programs.ts";

const ARGUMENTS = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"];
// Terse: the details of an error quote rows.
const VARIABLES = ["--set", "ON_ERROR_STOP=1", "--set", "VERBOSITY=terse"];

const answerSchema = z.array(z.unknown());

/**
 * Runs work in a transaction of psql, which alone reads what pg_restore writes. Nothing but the end of the work commits
 * it: a statement, a program or this process that fails leaves the database as it was.
 *
 * @throws RunbookError with psql's own words, or what the work throws
 */
export async function inPsqlTransaction<Result>(
  url: URL,
  work: (transaction: PsqlTransaction) => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  const psql = startOnDatabase("psql", url, [...ARGUMENTS, ...VARIABLES], signal);
  try {
    // What it drops with a table is no news.
    psql.stdin.write("begin; set local client_min_messages = error;\n");
    const result = await work(new PsqlTransaction(psql));
    psql.stdin.end("commit;\n");
    await psql.ended;
    return result;
  } catch (error) {
    psql.stdin.destroy();
    // Where psql has failed, this throws what it said, which says more than that it reads no further.
    await psql.ended;
    throw error;
  }
}

/** A transaction that psql is in. */
export class PsqlTransaction {
  readonly #psql: RunningProgram;
  readonly #lines: AsyncIterator<string>;

  constructor(psql: RunningProgram) {
    this.#psql = psql;
    this.#lines = createInterface({ input: psql.stdout })[Symbol.asyncIterator]();
  }

  /** Runs statements. One that fails is told by what is asked next. */
  run(statements: string): void {
    this.#psql.stdin.write(`${statements}\n`);
  }

  /** Runs what a program prints. */
  async runOutputOf(program: RunningProgram): Promise<void> {
    // Scripts of pg_restore select what nobody is to read.
    this.run("\\o /dev/null");
    program.stdin.end();
    await Promise.all([pipeline(program.stdout, this.#psql.stdin, { end: false }), program.ended]);
    this.run("\\o");
  }

  /** Asks a query, and waits for its rows. */
  async query(query: string): Promise<unknown[]> {
    this.run(`select coalesce(jsonb_agg(answer), '[]') from (${query}) as answer;`);
    const { done, value } = await this.#lines.next();
    if (done) {
      await this.#psql.ended;
      throw new RunbookError("psql ended before it answered");
    }
    return answerSchema.parse(JSON.parse(value));
  }
}
