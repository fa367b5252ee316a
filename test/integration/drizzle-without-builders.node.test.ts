import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { bundle, MAIN_MODULE } from "../../ops/bundle/bundle.ts";

const drizzle = JSON.stringify(fileURLToPath(import.meta.resolve("drizzle-orm/pg-core")));
const directory = await mkdtemp(join(tmpdir(), "drizzle-without-builders-"));

afterAll(() => rm(directory, { recursive: true }));

it("leaves the column types in the bundle that a table imports, and refuses a table that takes others", async () => {
  const entry = join(directory, "entry.ts");
  await writeFile(
    entry,
    `import { integer, pgTable } from ${drizzle};
    export const columns = () => Object.keys(pgTable("tasks", { id: integer("id") }));
    export const others = () => pgTable("tasks", (types) => ({ place: types.point("place") }));
    export default {};`,
  );
  await bundle({ entry, directory: join(directory, "bundle") });
  const { columns, others } = await import(join(directory, "bundle", MAIN_MODULE));
  expect(columns()).toContain("id");
  expect(others).toThrow("only the column types that src/ imports are in the bundle");
  const text = await readFile(join(directory, "bundle/start.chunk.js"), "utf8");
  expect(text).toContain("PgInteger");
  expect(text).not.toContain("PgGeometry");
});
