import type pg from "pg";
import { z } from "zod";
import { openDatabase } from "../../src/database/database.ts";
import { ApplicationError, type ErrorKind } from "../../src/errors.ts";
import { createLogger } from "../../src/observability/log.ts";
import { runnableTools } from "../../src/tools/runnable-tools.ts";
import { openWorkerDatabase } from "./worker-database.ts";

/** A database of its own whose clock of claims stands still, and goes only where a test sets it. */
export interface ClaimDatabase {
  readonly owner: pg.Pool;
  /** Moves the clock, back too. */
  advance(minutes: number): Promise<void>;
  /** Makes a user with so many tasks, numbered from 1. */
  newUser(tasks: number): Promise<number>;
  /** An agent of a user, with a name of its own: calls tools as an interface does, without the interfaces' rate limits. */
  agent(userId: number, name: string): ClaimingAgent;
  /** A person who has said yes to whatever they call. */
  person(userId: number, name: string): ClaimingAgent;
  close(): Promise<void>;
}

const answerSchema = z.object({
  tasks: z.array(z.object({ id: z.int() })),
  change: z.int().optional(),
});

/**
 * Calls a tool.
 *
 * @param overrides the claims that the person was shown, by the ids of their tasks
 * @returns undefined where it is refused: with a conflict, which is what a claim in the way is, or as its task is not there or a
 *   claim must be named
 */
export type ClaimingAgent = (
  tool: string,
  input: Record<string, unknown>,
  overrides?: ReadonlyMap<number, number>,
) => Promise<z.output<typeof answerSchema> | undefined>;

const REFUSALS: readonly ErrorKind[] = ["conflict", "not_found", "invalid_input"];

const cursorSettings = { JWT_SECRET: "a secret of the tests, 32 characters", SIGN_CURSORS: "on" } as const;

/** Opens such a database on real PostgreSQL. */
export async function openClaimDatabase(): Promise<ClaimDatabase> {
  const { owner, connectionString, fetchEndpoint, close } = await openWorkerDatabase();
  await owner.query(`
    create table test_clock as select date_trunc('second', clock_timestamp()) as now_is;
    grant select on test_clock to task_worker;
    create or replace function claim_clock() returns timestamptz language sql volatile as 'select now_is from public.test_clock';
  `);
  const database = openDatabase(connectionString, fetchEndpoint, 30);
  function caller(userId: number, client: string, via: "chat" | "mcp"): ClaimingAgent {
    const issuedAt = new Date();
    const expiresAt = new Date(issuedAt.getTime() + 3_600_000);
    const signedIn = {
      userId,
      credential: { kind: "sign_in", id: crypto.randomUUID(), issuedAt, expiresAt },
      access: "full",
    } as const;
    const own = database.as(signedIn, { via, client, requestId: client });
    const log = createLogger("error");
    return async (name, input, overrides) => {
      const tool = runnableTools.find((known) => known.name === name);
      if (tool === undefined) throw new Error(`there is no ${name}`);
      const asked = { overrides, ...(via === "chat" && { isConfirmed: true }) };
      try {
        const context = { caller: signedIn, database: own, log, cursorSettings, ...asked };
        return answerSchema.parse((await tool.execute(input, context)).structured);
      } catch (error) {
        if (error instanceof ApplicationError && REFUSALS.includes(error.kind)) return undefined;
        throw error;
      }
    };
  }

  return {
    owner,
    async advance(minutes) {
      await owner.query("update test_clock set now_is = now_is + make_interval(mins => $1)", [minutes]);
    },
    async newUser(tasks) {
      const { rows } = await owner.query(
        "insert into users (email, name, password_hash) values (gen_random_uuid() || '@example.com', 'Ada', 'no hash') returning id",
      );
      const [{ id }] = z.tuple([z.object({ id: z.int() })]).parse(rows);
      await owner.query("insert into tasks (user_id, title) select $1, 'One of many' from generate_series(1, $2)", [
        id,
        tasks,
      ]);
      return id;
    },
    agent: (userId, name) => caller(userId, name, "mcp"),
    person: (userId, name) => caller(userId, name, "chat"),
    close,
  };
}
