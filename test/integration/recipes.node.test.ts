import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { startGateway } from "../../local/gateway.ts";
import { openRawPool } from "../../local/raw-pool.ts";
import { openConnection } from "../../ops/database/connection.ts";
import { migrate, rollBack } from "../../ops/database/migrate.ts";
import { readMigrationFiles } from "../../ops/database/migration-files.ts";
import { createTestDatabase, workerUrlTo } from "../support/cluster-databases.ts";
import { eachOnItsOwn, openOwnerDoor } from "../support/owner-door.ts";
import { TEST_LIMIT } from "../support/patience.ts";
import { findPostgresql } from "../support/postgresql-cluster.ts";
import { applyEdit, readRecipes } from "../support/recipes/examples.ts";
import { missedAfter, readSchemaNeeds } from "../support/schema-needs.ts";

const projectDirectory = join(import.meta.dirname, "../..");
const LEFT_OUT = new Set(["node_modules", ".git", ".wrangler", "test-results", "coverage"]);

/** What is run of the tests in the copy: those of the examples, and those that a field may break. */
const TESTS = [
  ["test/integration/task-tools.test.ts", "keeps a location"],
  ["test/integration/list-tasks.test.ts", "by where it is to be done"],
  ["test/integration/support.test.ts", "where to get help"],
  ["test/contract/catalog.test.ts", "a change of the contract is a change of this snapshot"],
  ["test/contract/catalog.test.ts", "describes every input"],
  ["test/contract/catalog.test.ts", "in all six tools"],
  ["test/contract/published-schemas.node.test.ts", "that a client is known to stumble over"],
  ["test/unit/task-fields.node.test.ts", "that the first release has kept is read"],
] as const;

const resultSchema = z.object({ title: z.string(), status: z.string(), failureMessages: z.array(z.string()) });
const reportSchema = z.object({
  testResults: z.array(z.object({ name: z.string(), message: z.string(), assertionResults: z.array(resultSchema) })),
});

const recipes = readRecipes(await readFile(join(projectDirectory, "CODEBASE.md"), "utf8"));
const lastNumber = Number((await readMigrationFiles()).at(-1)?.name.slice(0, 4));
const nextNumber = String(lastNumber + 1).padStart(4, "0");

describe("the recipes of CODEBASE.md, in a copy of the repository", () => {
  let copy: string;
  const touched: Record<string, readonly string[]> = {};
  const touchedFiles = () => [...new Set(Object.values(touched).flat())];
  const ended: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    copy = await mkdtemp(join(tmpdir(), "tasks-recipes-"));
    ended.push(() => rm(copy, { recursive: true }));
    await cp(projectDirectory, copy, { recursive: true, filter: (path) => !LEFT_OUT.has(basename(path)) });
    await symlink(join(projectDirectory, "node_modules"), join(copy, "node_modules"));
    for (const { title, changes } of recipes) {
      for (const change of changes) {
        const file = join(copy, change.path.replace("NNNN", nextNumber));
        await (change.kind === "new"
          ? writeFile(file, change.text, { flag: "wx" })
          : writeFile(file, applyEdit(await readFile(file, "utf8"), change)));
      }
      touched[title] = [...new Set(changes.map(({ path }) => path.replace("NNNN", nextNumber)))];
    }
  });

  /** What a program of this repository says; it fails with that where the program does. */
  const program = (name: string, args: readonly string[]) =>
    new Promise<string>((done, fail) => {
      // Snapshots are written anew, which vitest fails with CI=true.
      const options = { cwd: copy, env: { ...process.env, CI: "" } };
      execFile(resolve(projectDirectory, "node_modules/.bin", name), args, options, (error, output, errors) =>
        error === null ? done(output) : fail(new Error(`${name} ${args.join(" ")}\n${output}\n${errors}`)),
      );
    });

  afterAll(async () => {
    for (const end of ended.reverse()) await end();
  });

  it("touch few files, beside what is generated", () => {
    expect(
      Object.entries(touched).flatMap(([title, files]) => (files.length === 0 ? [] : [[title, files.length]])),
    ).toEqual([
      ["Add a field to a task", 4],
      ["Add a tool parameter", 3],
      ["Add a variable", 3],
      ["Add a route", 3],
      ["Add a metric", 4],
    ]);
  });

  it("have types that fit, and the house's format", async () => {
    const typescript = touchedFiles().filter((path) => path.endsWith(".ts"));
    const include = ["src/worker-configuration.d.ts", "test/support/global-setup.ts", ...typescript];
    await writeFile(join(copy, "tsconfig.recipes.json"), JSON.stringify({ extends: "./tsconfig.json", include }));
    await program(process.execPath, ["ops/documents/cli.ts"]);
    expect(await readFile(join(copy, "docs/configuration.md"), "utf8")).toContain("SUPPORT_URL");
    await program("wrangler", ["types", "--include-runtime=false", "--strict-vars=false", include[0] ?? ""]);
    await program("tsc", ["-p", "tsconfig.recipes.json"]);
    await program("biome", ["format", "--vcs-enabled=false", ...typescript]);
  });

  it.skipIf(findPostgresql() === undefined)(
    "expand the schema and can be rolled back; their tests pass, and those of the contract",
    async () => {
      const { url } = await createTestDatabase();
      const owner = await openConnection(url);
      ended.push(() => owner.end());
      await migrate(owner, await readMigrationFiles());
      const before = await readSchemaNeeds(owner);
      const migrations = await readMigrationFiles(join(copy, "drizzle"));
      expect(await migrate(owner, migrations)).toEqual([`${nextNumber}_location`]);
      expect(missedAfter(before, await readSchemaNeeds(owner))).toEqual([]);
      expect(await rollBack(owner, migrations, 1)).toEqual([`${nextNumber}_location`]);
      expect(await readSchemaNeeds(owner)).toEqual(before);
      await migrate(owner, migrations);

      const pool = openRawPool(workerUrlTo(url));
      ended.push(() => pool.end());
      const gateway = await startGateway(pool);
      ended.push(() => gateway.close());
      const owners = openRawPool(url);
      ended.push(() => owners.end());
      const door = await openOwnerDoor(eachOnItsOwn(owners));
      ended.push(() => door.close());
      const { connectionString, fetchEndpoint } = gateway;
      const configuration = {
        resolve: { alias: { "cloudflare:workers": join(copy, "test/support/recipes/worker-in-node.ts") } },
        test: {
          include: [...new Set(TESTS.map(([file]) => file))],
          provide: {
            databaseName: "postgresql",
            databases: { postgresql: { connectionString, fetchEndpoint, owner: { url: door.url, token: door.token } } },
          },
          testNamePattern: TESTS.map(([, name]) => name).join("|"),
          testTimeout: TEST_LIMIT,
          isolate: false,
          fileParallelism: false,
        },
      };
      await writeFile(join(copy, "vitest.config.ts"), `export default ${JSON.stringify(configuration)};\n`);
      const failure = await program("vitest", ["run", "--update", "--reporter=json", "--outputFile=report.json"]).then(
        () => undefined,
        (error: unknown) => error,
      );
      const report = await readFile(join(copy, "report.json"), "utf8").catch(() => {
        throw failure;
      });
      const { testResults: files } = reportSchema.parse(JSON.parse(report));
      // What a file says that could not be loaded.
      expect(files.flatMap(({ name, message }) => (message === "" ? [] : [`${name}: ${message}`]))).toEqual([]);
      const results = files.flatMap((file) => file.assertionResults);
      expect(results.filter(({ status }) => status === "failed")).toEqual([]);
      expect(failure, inspect(failure)).toBeUndefined();
      const passed = results.filter(({ status }) => status === "passed").map(({ title }) => title);
      for (const [, name] of TESTS) expect(passed).toContainEqual(expect.stringContaining(name));
    },
  );
});

describe("an example", () => {
  const [recipe] = readRecipes(
    "## How to …\n\n### Add\n\nText.\n\n`a.ts`, a file:\n\n```diff\n one\n-two …\n+three\n```\n\n`b.sql`:\n\n```sql\nselect 1;\n```\n\n## End\n",
  );
  const edit = { path: "a.ts", kind: "edit", before: ["one", "two …"], after: ["one", "three"] } as const;

  it("is read as what changes in each file", () => {
    expect(recipe).toEqual({ title: "Add", changes: [edit, { path: "b.sql", kind: "new", text: "select 1;\n" }] });
    expect(() => readRecipes("## How to …\n\n### Add\n\n```ts\n1\n```\n\n## End\n")).toThrow("no path stands before");
  });

  it("is refused where its lines are not in the file, or more than once", () => {
    expect(applyEdit("zero\none\ntwo and more\nfour\n", edit)).toBe("zero\none\nthree\nfour\n");
    expect(() => applyEdit("one\nfour\n", edit)).toThrow("these lines are not there");
    expect(() => applyEdit("one\ntwo\none\ntwo\n", edit)).toThrow("these lines are more than once there");
  });
});
