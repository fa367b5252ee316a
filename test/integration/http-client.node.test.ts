import { neon, neonConfig } from "@neondatabase/serverless";
import { drizzle } from "drizzle-orm/neon-http";
import { describe, expect, inject, it } from "vitest";
import { openHttpClient, PostgresError } from "../../src/database/http-client.ts";
import { neonUrl } from "../../src/database/sql-over-http.ts";

// Our client of SQL over HTTP must make of an answer what Neon's own makes of it, as drizzle has that read dates.

const { pglite, postgresql } = inject("databases");

/** Where Neon's client asks where it is told nothing. */
const { fetchEndpoint: neonsEndpoint } = neonConfig;

const EVERY_TYPE = `select 7::int2 as small, -8::int4 as whole, 9007199254740993::int8 as big, 1.5::float4 as single,
  -2.25::float8 as double, 12345678901234567890.10::numeric as exact, true as yes, false as no, null::int as nothing,
  'it''s "text"' as text, 'a'::varchar as varchar, '{"a": [1, null, "b"]}'::json as json, '[1, {"b": null}]'::jsonb as jsonb,
  array['a', 'b c', 'd"e', null] as texts, array[1, 2, null] as wholes, array[true, false] as flags,
  array['{"a": 1}'::jsonb] as jsons, array[1.5::float8] as doubles, array[9007199254740993::int8] as bigs,
  array['5f0f4f0e-a3a1-4c1f-9b2b-7c570b0d4a52'::uuid] as ids, '5f0f4f0e-a3a1-4c1f-9b2b-7c570b0d4a52'::uuid as id,
  date '2026-02-03' as day, timestamp '2026-02-03 04:05:06.789' as moment, timestamptz '2026-02-03 04:05:06.789+00' as instant,
  interval '1 day 02:00' as span, array[date '2026-02-03'] as days, array[timestamptz '2026-02-03 04:05:06+00'] as instants,
  array[1.10::numeric] as exacts, '\\x00ff'::bytea as bytes, 42::oid as oid`;

describe.each([
  ["PGlite", pglite],
  ["PostgreSQL", postgresql],
])("on %s", (_, found) => {
  const test = it.skipIf(found === undefined);
  const { connectionString, fetchEndpoint } = found ?? pglite;
  const ours = openHttpClient({ url: fetchEndpoint, connectionString, timeout: 60_000 });
  const neons = () => {
    neonConfig.fetchEndpoint = fetchEndpoint;
    const sql = neon(connectionString);
    // It changes how neon's client reads dates.
    drizzle(sql);
    return sql;
  };

  test.each([false, true])("reads every type as Neon's client does, in array mode: %s", async (arrayMode) => {
    const expected = await neons().query(EVERY_TYPE, [], { arrayMode, fullResults: true });
    const { rows, fields, rowCount } = await ours.query(EVERY_TYPE, [], { arrayMode });
    expect(rows).toEqual(expected.rows);
    expect(fields.map(({ name }) => name)).toEqual(expected.fields.map(({ name }) => name));
    expect(rowCount).toBe(1);
  });

  test("writes parameters as Neon's client does", async () => {
    const text =
      "select $1::text as text, $2::int as whole, $3::boolean as flag, $4::bigint as big, $5::text as nothing";
    const values = ["it's", 7, true, 9007199254740993n, null];
    expect((await ours.query(text, values)).rows).toEqual(await neons().query(text, values));
    const moment = new Date("2026-02-03T04:05:06.789Z");
    const { rows } = await ours.query("select extract(epoch from $1::timestamptz) * 1000 as moment", [moment]);
    expect(rows).toEqual([{ moment: expect.stringMatching(/^1770091506789(\.0+)?$/) }]);
  });

  it.each([[["a list"]], [{ an: "object" }], [Symbol("a symbol")]])("sends no parameter such as %o", (value) => {
    expect(() => ours.query("select $1", [value])).toThrow("a parameter must be");
  });

  test("carries several queries out as one transaction, each in its own mode", async () => {
    const id = "select txid_current()::text as id";
    const [first, second] = await ours.transaction([ours.query(id, []), ours.query(id, [], { arrayMode: true })]);
    const [{ id: known } = { id: undefined }] = (first?.rows ?? []) as { id?: string }[];
    expect(known).toMatch(/^\d+$/);
    expect(second?.rows).toEqual([[known]]);
  });

  test("tells what Postgres has said of a query, or of a transaction, that it did not carry out", async () => {
    const failing = "select 1 / $1::int";
    const failures = [
      () => Promise.resolve(ours.query(failing, [0])),
      () => ours.transaction([ours.query("select 1", []), ours.query(failing, [0])]),
    ];
    for (const failure of failures) {
      const error: unknown = await failure().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(PostgresError);
      expect(error).toMatchObject({ code: "22012", message: "division by zero", detail: undefined });
    }
    const text = "select sign_up($1, 'a', 'UTC', 'no hash') from generate_series(1, 2)";
    await expect(Promise.resolve(ours.query(text, ["twice@example.com"]))).rejects.toMatchObject({
      code: "23505",
      constraint: "users_email_key",
    });
  });
});

it.each([
  ["postgresql://user:password@ep-cool-name-123-pooler.eu-central-1.aws.neon.tech/db", "eu-central-1.aws.neon.tech"],
  [
    "postgres://user:password@ep-cool-name-123.c-2.us-east-1.aws.neon.tech/db?sslmode=require",
    "c-2.us-east-1.aws.neon.tech",
  ],
])("asks Neon's proxy for %s at api.%s, as Neon's client does", async (connectionString, domain) => {
  const url = `https://api.${domain}/sql`;
  expect(neonUrl(connectionString)).toBe(url);
  const asked = await new Promise((resolve) => {
    neonConfig.fetchEndpoint = neonsEndpoint;
    neonConfig.fetchFunction = (address: string) => {
      resolve(address);
      return Promise.reject(new Error("nothing is sent"));
    };
    neon(connectionString)`select 1`.catch(() => undefined);
  });
  neonConfig.fetchFunction = undefined;
  expect(asked).toBe(url);
});
