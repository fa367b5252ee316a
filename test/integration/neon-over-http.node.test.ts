import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as whole from "@neondatabase/serverless";
import { afterAll, describe, expect, inject, it } from "vitest";
import { bundle, MAIN_MODULE } from "../../ops/bundle/bundle.ts";

type Driver = Pick<typeof whole, "neon" | "neonConfig" | "NeonDbError" | "types">;

const { pglite, postgresql = pglite } = inject("databases");
const driverPath = fileURLToPath(import.meta.resolve("@neondatabase/serverless"));
const directory = await mkdtemp(join(tmpdir(), "neon-over-http-"));
const bundled = await driverOfTheBundle(driverPath);

afterAll(() => rm(directory, { recursive: true }));

/** Bundles what the worker and drizzle import of a driver. */
async function driverOfTheBundle(path: string): Promise<Driver> {
  const entry = join(directory, "entry.ts");
  const names = "neon, neonConfig, NeonDbError, types";
  await writeFile(entry, `export { ${names} } from ${JSON.stringify(path)};\nexport default {};\n`);
  await bundle({ entry, directory: join(directory, "bundle") });
  return import(join(directory, "bundle", MAIN_MODULE));
}

function clientOf({ neon, neonConfig }: Driver) {
  neonConfig.fetchEndpoint = postgresql.fetchEndpoint;
  return neon(postgresql.connectionString);
}

describe("what the bundle has of Neon's driver", () => {
  it.each([
    ["numbers", `select 1::int2, 2::int4, 9007199254740993::int8, 1.5::float8, 'NaN'::float4, 12.30::numeric, 7::oid`],
    ["texts", `select 'a', 'b'::varchar, 'c'::char(3), 'd'::name, null::text, gen_random_uuid() is null`],
    [
      "moments",
      `select '2026-02-03'::date, '2026-02-03 04:05:06.7+00'::timestamptz, '2026-02-03 04:05'::timestamp, '04:05'::time`,
    ],
    ["spans", `select '1 year 2 days 03:04:05.6'::interval, '[1,5)'::int4range, '(1,2)'::point, '<(1,2),3>'::circle`],
    ["documents", `select '{"a":[1,null]}'::jsonb, '[2]'::json, '\\x00ff'::bytea, true, '10.0.0.1'::inet`],
    [
      "lists",
      `select '{1,2}'::int4[], '{a,"b c",NULL}'::text[], '{t,f}'::bool[], '{2026-02-03}'::date[], '{1.5}'::numeric[]`,
    ],
    ["lists of documents", `select array['{"a":1}'::jsonb], '{9007199254740993}'::int8[], array['\\x00ff'::bytea]`],
  ])("reads %s as the package does", async (_, query) => {
    const options = { arrayMode: true, fullResults: true } as const;
    const { rows, fields } = await clientOf(bundled).query(query, [], options);
    const expected = await clientOf(whole).query(query, [], options);
    expect({ rows, fields }).toEqual({ rows: expected.rows, fields: expected.fields });
  });

  it("sends values as the package does", async () => {
    const query =
      "select $1::text[] as texts, $2::timestamptz as moment, $3::jsonb as json, $4::bytea as bytes, $5::int as nothing";
    const values = [["a", 'b "c"'], new Date(0), { a: [1] }, Buffer.from([0, 255]), null];
    expect(await clientOf(bundled).query(query, values)).toEqual(await clientOf(whole).query(query, values));
  });

  it("sends several queries as one transaction", async () => {
    const sql = clientOf(bundled);
    const [first, second] = await sql.transaction([sql`select txid_current() as id`, sql`select txid_current() as id`]);
    expect(first).toEqual(second);
  });

  it("throws Postgres' own errors", async () => {
    const failing = clientOf(bundled)`select 1 / 0`;
    await expect(failing).rejects.toBeInstanceOf(bundled.NeonDbError);
    await expect(failing).rejects.toMatchObject({ name: "NeonDbError", code: "22012", message: "division by zero" });
  });

  it("reads values by the parsers that drizzle sets", async () => {
    const { types } = bundled;
    const date = 1082;
    const own: (text: string) => unknown = types.getTypeParser(date);
    types.setTypeParser(date, (text: string) => `on ${text}`);
    try {
      expect(await clientOf(bundled)`select '2026-02-03'::date as day`).toEqual([{ day: "on 2026-02-03" }]);
    } finally {
      types.setTypeParser(date, own);
    }
  });

  it("is without the client over WebSockets, and less than half of the package", async () => {
    const text = await readFile(join(directory, "bundle/start.chunk.js"), "utf8");
    expect(text).not.toContain("SCRAM-SHA-256");
    expect(text).not.toContain("allocUnsafeSlow");
    // The runtime would load half of Node for it.
    expect(text).not.toContain("globalThis.process");
    expect(text.length).toBeLessThan((await readFile(driverPath, "utf8")).length / 2);
  });

  it("is not made of a driver that has changed", async () => {
    const other = join(directory, "node_modules/@neondatabase/serverless/index.mjs");
    await mkdir(dirname(other), { recursive: true });
    await writeFile(other, (await readFile(driverPath, "utf8")).replace("this.types=", "this.parsers="));
    await expect(driverOfTheBundle(other)).rejects.toThrow("Neon's driver has changed");
  });
});
