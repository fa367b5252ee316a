import { once } from "node:events";
import { connect } from "node:net";
import { neon, neonConfig } from "@neondatabase/serverless";
import { describe, expect, inject, it } from "vitest";
import { z } from "zod";
import { startGateway } from "../../local/gateway.ts";
import { openRawPool } from "../../local/raw-pool.ts";
import type { TestDatabase } from "../support/databases.ts";
import { findPostgresql, startPostgresqlCluster } from "../support/postgresql-cluster.ts";

const { pglite, postgresql } = inject("databases");
const answerSchema = z.object({
  command: z.string(),
  rowCount: z.number().nullable(),
  fields: z.array(z.object({ name: z.string(), dataTypeID: z.number() })),
  rows: z.array(z.array(z.string().nullable())),
});

const CLIENT_HEADERS = { "Neon-Raw-Text-Output": "true", "Neon-Array-Mode": "true" };

function post(
  { connectionString, fetchEndpoint }: Pick<TestDatabase, "connectionString" | "fetchEndpoint">,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(fetchEndpoint, {
    method: "POST",
    headers: { ...CLIENT_HEADERS, "Neon-Connection-String": connectionString, ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

describe.each([
  ["PGlite", pglite],
  ["PostgreSQL", postgresql],
])("the gateway on %s", (_, found) => {
  const test = it.skipIf(found === undefined);
  const database = found ?? pglite;

  test("answers with Postgres' own text", async () => {
    const answer = await post(database, {
      query: `select $1::int as int, true as bool, array['a', 'b c', 'd"e', null] as texts, 12345678901234567890.10 as numeric,
        '{"a": [1, null]}'::jsonb as jsonb, date '2026-02-03' as day, null as nothing, '\\x00ff'::bytea as bytes,
        timestamptz '2026-02-03 04:05:06.789+00' at time zone 'UTC' as moment, 9007199254740993 as bigint`,
      params: ["7"],
    });
    const { command, rowCount, rows, fields } = answerSchema.parse(await answer.json());
    expect({ command, rowCount }).toEqual({ command: "SELECT", rowCount: 1 });
    expect(rows).toEqual([
      [
        "7",
        "t",
        '{a,"b c","d\\"e",NULL}',
        "12345678901234567890.10",
        '{"a": [1, null]}',
        "2026-02-03",
        null,
        "\\x00ff",
      ].concat("2026-02-03 04:05:06.789", "9007199254740993"),
    ]);
    expect(fields.map(({ dataTypeID }) => dataTypeID)).toEqual([23, 16, 1009, 1700, 3802, 1082, 25, 17, 1114, 20]);
  });

  test("speaks with the client that the worker uses", async () => {
    neonConfig.fetchEndpoint = database.fetchEndpoint;
    const sql = neon(database.connectionString);
    expect(
      await sql`select ${["a", "b"]}::text[] as texts, ${new Date(0)}::timestamptz as moment, ${{ a: 1 }}::jsonb as json`,
    ).toEqual([{ texts: ["a", "b"], moment: new Date(0), json: { a: 1 } }]);
    const [first, second] = await sql.transaction((tx) => [
      tx`select txid_current() as id`,
      tx`select txid_current() as id`,
    ]);
    expect(first).toEqual(second);
    await expect(sql`select 1 / 0`).rejects.toMatchObject({
      code: "22012",
      severity: "ERROR",
      message: "division by zero",
    });
  });

  test("honours the transaction's modes", async () => {
    const queries = ["transaction_isolation", "transaction_read_only", "transaction_deferrable"].map((setting) => ({
      query: "select current_setting($1)",
      params: [setting],
    }));
    const answer = await post(
      database,
      { queries },
      {
        "Neon-Batch-Isolation-Level": "Serializable",
        "Neon-Batch-Read-Only": "true",
        "Neon-Batch-Deferrable": "true",
      },
    );
    const { results } = z.object({ results: z.array(answerSchema) }).parse(await answer.json());
    expect(results.flatMap(({ rows }) => rows)).toEqual([["serializable"], ["on"], ["on"]]);
  });

  test("undoes a batch as one, and serves the next one", async () => {
    const email = `batch-${crypto.randomUUID()}@example.com`;
    const signUp = { query: "select id from sign_up($1, 'Batch', 'UTC', 'no hash')", params: [email] };
    const failing = await post(database, { queries: [signUp, signUp] });
    expect(failing.status).toBe(400);
    expect(await failing.json()).toMatchObject({
      code: "23505",
      severity: "ERROR",
      schema: "public",
      table: "users",
      constraint: "users_email_key",
      detail: expect.stringContaining("already exists"),
      where: expect.stringContaining("sign_up"),
    });
    const left = await post(database, { query: "select id from find_credentials($1)", params: [email] });
    expect(answerSchema.parse(await left.json()).rows).toEqual([]);
  });

  test("names the query that failed first, though those behind it were sent as well", async () => {
    const email = `behind-${crypto.randomUUID()}@example.com`;
    const signUp = { query: "select id from sign_up($1, 'Behind', 'UTC', 'no hash')", params: [email] };
    const failing = await post(database, { queries: [{ query: "select 1 / 0" }, signUp, { query: "select" }] });
    expect(failing.status).toBe(400);
    expect(await failing.json()).toMatchObject({ code: "22012", message: "division by zero" });
    const left = await post(database, { query: "select id from find_credentials($1)", params: [email] });
    expect(answerSchema.parse(await left.json()).rows).toEqual([]);
  });

  test("points at the place of a mistake", async () => {
    const answer = await post(database, { query: "select nothing_like_it", params: [] });
    expect(await answer.json()).toMatchObject({ code: "42703", position: "8" });
  });

  test("lets nobody in without this start's connection string", async () => {
    const wrong = database.connectionString.replace(/:[0-9a-f]+@/, ":0000@");
    for (const connectionString of [wrong, "", `${database.connectionString}x`]) {
      expect((await post({ ...database, connectionString }, { query: "select 1" })).status).toBe(401);
    }
    expect((await fetch(database.fetchEndpoint)).status).toBe(404);
  });

  test.each([
    ["no JSON", "{", {}],
    ["no query", { params: [] }, {}],
    ["no raw text", { query: "select 1" }, { "Neon-Raw-Text-Output": "false" }],
    ["an unknown isolation level", { queries: [] }, { "Neon-Batch-Isolation-Level": "Chaos" }],
  ])("refuses a request with %s", async (_case, body, headers) => {
    const answer = await post(database, body, headers);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({ message: expect.any(String) });
  });

  test("leaves it to the client to close an idle connection", async () => {
    const { hostname, port, pathname } = new URL(database.fetchEndpoint);
    const socket = connect(Number(port), hostname);
    const ask = async () => {
      socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`);
      return z
        .tuple([z.instanceof(Buffer)])
        .parse(await once(socket, "data"))[0]
        .toString();
    };
    let isClosed = false;
    socket.once("close", () => {
      isClosed = true;
    });
    expect(await ask()).toMatch(/^HTTP\/1.1 404/);
    // Node closes one after 5 seconds, and allows a second more.
    await new Promise((resolve) => setTimeout(resolve, 7_000));
    expect(isClosed).toBe(false);
    expect(await ask()).toMatch(/^HTTP\/1.1 404/);
    socket.destroy();
  });

  test("refuses a body that is too large", async () => {
    expect((await post(database, " ".repeat(16 * 1024 * 1024 + 1))).status).toBe(413);
  });
});

describe("the gateway while PostgreSQL is away", () => {
  const programs = findPostgresql();
  it.skipIf(programs === undefined)("answers 503 without a Postgres code, and recovers", async () => {
    const cluster = await startPostgresqlCluster(programs ?? "");
    const pool = openRawPool(cluster.url());
    const gateway = await startGateway(pool);
    try {
      expect((await post(gateway, { query: "select 1" })).status).toBe(200);
      const running = post(gateway, { query: "select pg_sleep(30)" });
      await cluster.kill();
      for (const answer of [await running, await post(gateway, { query: "select 1" })]) {
        expect(answer.status).toBe(503);
        expect(await answer.json()).toEqual({ message: expect.stringContaining("cannot reach the database") });
      }
      await cluster.start();
      expect((await post(gateway, { query: "select 1" })).status).toBe(200);
    } finally {
      await gateway.close();
      await pool.end();
      await cluster.remove();
    }
  });
});
