import type { IncomingHttpHeaders } from "node:http";
import type pg from "pg";
import { z } from "zod";

/** A request that is not Neon's protocol; its message says what is wrong with it. */
export class SqlRequestError extends Error {
  override readonly name = "SqlRequestError";
}

const querySchema = z.object({ query: z.string(), params: z.array(z.unknown()).default([]) });
const bodySchema = z.union([querySchema, z.object({ queries: z.array(querySchema) })]);

const isolationLevels = {
  ReadUncommitted: "read uncommitted",
  ReadCommitted: "read committed",
  RepeatableRead: "repeatable read",
  Serializable: "serializable",
} as const;

const flag = z.enum(["true", "false"]).optional();
const headersSchema = z.object({
  "neon-raw-text-output": z.literal("true", { error: "must be true: this gateway answers with raw text alone" }),
  "neon-array-mode": flag,
  "neon-batch-isolation-level": z
    .enum(["ReadUncommitted", "ReadCommitted", "RepeatableRead", "Serializable"])
    .optional(),
  "neon-batch-read-only": flag,
  "neon-batch-deferrable": flag,
});

type Query = z.output<typeof querySchema>;

/** What a request asks for. */
export interface SqlRequest {
  readonly body: z.output<typeof bodySchema>;
  readonly arrayMode: boolean;
  /** The statement that begins the transaction of several queries. */
  readonly begin: string;
}

/** The answer to one query, as Neon gives it: the values are Postgres' own text. */
export interface SqlResult {
  readonly command: string;
  readonly rowCount: number | null;
  readonly fields: readonly pg.FieldDef[];
  readonly rows: readonly unknown[];
}

/**
 * Reads a request of the `@neondatabase/serverless` client.
 *
 * @throws SqlRequestError
 */
export function readSqlRequest(body: string, headers: IncomingHttpHeaders): SqlRequest {
  const parsedHeaders = headersSchema.safeParse(headers);
  if (!parsedHeaders.success) throw new SqlRequestError(z.prettifyError(parsedHeaders.error));
  const parsedBody = bodySchema.safeParse(parseJson(body));
  if (!parsedBody.success)
    throw new SqlRequestError("the body must be {query, params} or {queries: [{query, params}]}");
  const level = parsedHeaders.data["neon-batch-isolation-level"];
  const modes = [
    level === undefined ? "" : `isolation level ${isolationLevels[level]}`,
    parsedHeaders.data["neon-batch-read-only"] === "true" ? "read only" : "",
    parsedHeaders.data["neon-batch-deferrable"] === "true" ? "deferrable" : "",
  ].filter((mode) => mode !== "");
  return {
    body: parsedBody.data,
    arrayMode: parsedHeaders.data["neon-array-mode"] === "true",
    begin: `begin ${modes.join(", ")}`.trimEnd(),
  };
}

/**
 * Runs a request on a pool of `openRawPool`: a single query by itself, several in one transaction.
 *
 * @throws whatever `pg` throws; nothing of the transaction stays, unless a query ended it or went back in it
 */
export async function runSqlRequest(
  pool: pg.Pool,
  { body, arrayMode, begin }: SqlRequest,
): Promise<SqlResult | { results: SqlResult[] }> {
  const client = await pool.connect();
  let broken = false;
  try {
    if (!("queries" in body)) return await runQuery(client, body, arrayMode);
    // All at once: behind a query that fails the others fail as well, and the commit is a rollback. They would not
    // behind a `begin` that fails, a commit or a `rollback to`: ours does not, and the worker sends none of them.
    const begun = client.query(begin);
    const running = body.queries.map((query) => runQuery(client, query, arrayMode));
    const ended = client.query("commit");
    const [ending] = await Promise.allSettled([ended, begun, ...running]);
    broken = ending.status === "rejected";
    await begun;
    const results = await Promise.all(running);
    await ended;
    return { results };
  } finally {
    // A connection whose transaction may still be open is thrown away.
    client.release(broken);
  }
}

async function runQuery(client: pg.PoolClient, { query, params }: Query, arrayMode: boolean): Promise<SqlResult> {
  const statement = { text: query, values: params };
  const result = arrayMode ? await client.query({ ...statement, rowMode: "array" }) : await client.query(statement);
  const { command, rowCount, fields, rows } = result;
  return { command, rowCount, fields, rows };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new SqlRequestError("the body is not JSON");
  }
}
