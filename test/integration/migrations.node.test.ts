import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { describe, expect, inject, it } from "vitest";
import { migrate, migrationStatus, rollBack, surveyMigrations } from "../../ops/database/migrate.ts";
import { type MigrationFile, readMigrationFiles } from "../../ops/database/migration-files.ts";
import { createTestDatabase, databaseVariables, workerUrlTo } from "../support/cluster-databases.ts";

const files = await readMigrationFiles();
const names = files.map(({ name }) => name);

async function connect(url: URL): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  return client;
}

function migration(name: string, up: string, down = "select 1"): MigrationFile {
  return { name, kind: "expand", up, down, checksum: up };
}

/** Runs a script of package.json as an operator does, with nothing else in its environment. */
function npmRun(
  script: string[],
  variables: Record<string, string>,
): Promise<{ code: number; output: string; errors: string }> {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const settings = Object.entries({ PATH, NODE_COMPILE_CACHE, HOME: "/nonexistent", ...variables });
  const args = ["-i", ...settings.map(([name, value]) => `${name}=${value}`), "npm", "run", "--silent", ...script];
  return new Promise((resolve) => {
    execFile("env", args, { cwd: join(import.meta.dirname, "../..") }, (error, output, errors) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, output, errors });
    });
  });
}

describe.skipIf(inject("clusterUrl") === undefined)("migrations on PostgreSQL, as an owner who is no superuser", () => {
  it("go up, down and up again, with rows in place", async () => {
    const { url } = await createTestDatabase();
    const owner = await connect(url);
    const signUp = "select id from sign_up('ada@example.com', 'Ada', 'Europe/London', 'hash')";
    const insert = "insert into tasks (user_id, title) select id, 'Write' from users";
    expect(await migrate(owner, files)).toEqual(names);
    expect(await migrate(owner, files)).toEqual([]);
    await owner.query(signUp);
    await owner.query(insert);
    expect(await rollBack(owner, files, 99)).toEqual(names.toReversed());
    expect((await owner.query("select to_regclass('tasks') as tasks, to_regclass('users') as users")).rows).toEqual([
      { tasks: null, users: null },
    ]);
    expect((await migrationStatus(owner, files)).map(({ appliedAt }) => appliedAt)).toEqual(names.map(() => undefined));
    expect(await migrate(owner, files)).toEqual(names);
    await owner.query(signUp);
    await owner.query(insert);
    expect((await owner.query("select title from tasks")).rows).toEqual([{ title: "Write" }]);
    await owner.end();
  });

  it("0007 lets tasks be searched that were there before, and leaves them as they are otherwise", async () => {
    const owner = await connect((await createTestDatabase()).url);
    const before = files.findIndex(({ name }) => name === "0006_search_text");
    await migrate(owner, files.slice(0, before));
    await owner.query("select id from sign_up('ada@example.com', 'Ada', 'Europe/London', 'hash')");
    await owner.query(
      `insert into tasks (user_id, title, description, tags, updated_at)
       select id, 'Meet at the CAFÉ', 'Straße', '{Groceries,Été}', '2026-01-01' from users, generate_series(1, 3)`,
    );
    const columns = "id, title, description, tags, version, updated_at";
    const rows = async () => (await owner.query(`select ${columns} from tasks order by id`)).rows;
    const old = await rows();
    await migrate(owner, files.slice(0, before + 1));
    // Written by the release before, between the two.
    await owner.query("update tasks set title = 'Zoë' where id = 2");
    await owner.query("update tasks set status = 'in_progress' where id = 3");
    await migrate(owner, files);
    expect(await rows()).toEqual(old.map((row) => (row.id === 2 ? { ...row, title: "Zoë" } : row)));
    const searched = (await owner.query("select searched_text, searched_tags from tasks order by id")).rows;
    const tags = ["groceries", "ete"];
    expect(searched).toEqual([
      { searched_text: "meet at the cafe strasse", searched_tags: tags },
      { searched_text: "zoe strasse", searched_tags: tags },
      { searched_text: "meet at the cafe strasse", searched_tags: tags },
    ]);
    const triggers = await owner.query("select tgname from pg_trigger where not tgisinternal and tgenabled <> 'O'");
    expect(triggers.rows).toEqual([]);
    await owner.end();
  });

  it("0021 begins the log with every task as it is, and 0020's way back brings no deleted one to life", async () => {
    const { url } = await createTestDatabase();
    const owner = await connect(url);
    const before = files.findIndex(({ name }) => name === "0020_log_of_changes");
    await migrate(owner, files.slice(0, before));
    for (const name of ["ada", "grace", "nobody"]) {
      await owner.query("select id from sign_up($1, $2, 'UTC', 'hash')", [`${name}@example.com`, name]);
    }
    await owner.query(
      "insert into tasks (user_id, title) select 1 + n % 2, 'Old ' || n from generate_series(1, 5) as n",
    );
    await owner.query("update users set last_change = 41 where id in (1, 3)");
    await migrate(owner, files.slice(0, before + 1));
    // Between the two a change is logged already, with nothing before it.
    await owner.query("update tasks set title = 'Between' where user_id = 2 and id = 1");
    await migrate(owner, files.slice(0, before + 2));
    const numbers = "select id, last_change::integer, log_baseline::integer from users order by id";
    expect((await owner.query(numbers)).rows).toEqual([
      { id: 1, last_change: 42, log_baseline: 42 },
      { id: 2, last_change: 2, log_baseline: 2 },
      // Without a task there is nothing to have a number.
      { id: 3, last_change: 41, log_baseline: 41 },
    ]);
    const images =
      "select user_id, id as task_id, logged_columns(to_jsonb(tasks)) as after from tasks order by user_id, id";
    const baseline = `select user_id, task_id, after from task_changes
      where operation = 'baseline' and change = (select log_baseline from users where id = user_id) order by user_id, task_id`;
    expect((await owner.query(baseline)).rows).toEqual((await owner.query(images)).rows);
    expect(
      (await owner.query("select user_id, change::integer, via from changes order by user_id, change")).rows,
    ).toEqual(
      [
        [1, 42, "migration"],
        [2, 1, "sql"],
        [2, 2, "migration"],
      ].map(([user_id, change, via]) => ({ user_id, change, via })),
    );

    await owner.query("update tasks set deleted_at = now() where user_id = 1");
    await rollBack(owner, files.slice(0, before + 2), 2);
    expect(
      (
        await owner.query(
          "select id, task_count, (select count(*)::integer from tasks where user_id = users.id) as tasks from users order by id",
        )
      ).rows,
    ).toEqual([
      { id: 1, task_count: 0, tasks: 0 },
      { id: 2, task_count: 3, tasks: 3 },
      { id: 3, task_count: 0, tasks: 0 },
    ]);
    await owner.end();
  });

  it("count each person's tasks anew where some were counted that never came", async () => {
    const { url } = await createTestDatabase();
    const owner = await connect(url);
    await migrate(owner, files.slice(0, names.indexOf("0029_counted_tasks")));
    await owner.query(
      "select sign_up('ada@example.com', 'Ada', 'UTC', 'hash'), sign_up('bob@example.com', 'Bob', 'UTC', 'hash')",
    );
    for (let time = 0; time < 3; time += 1) {
      await owner.query(
        "insert into tasks (user_id, title, idempotency_key) select id, 'Write', 'k' from users where name = 'Ada' on conflict do nothing",
      );
    }
    const counts = async () => (await owner.query("select task_count from users order by name")).rows;
    expect(await counts()).toEqual([{ task_count: 3 }, { task_count: 0 }]);
    await migrate(owner, files);
    expect(await counts()).toEqual([{ task_count: 1 }, { task_count: 0 }]);
    await rollBack(owner, files, names.length - names.indexOf("0029_counted_tasks"));
    await owner.query("insert into tasks (user_id, title) select id, 'Read' from users");
    await owner.query("delete from tasks where idempotency_key = 'k'");
    expect(await counts()).toEqual([{ task_count: 1 }, { task_count: 1 }]);
    await owner.end();
  });

  it("serialise when several are started at once, also in two databases of a cluster", async () => {
    const databases = await Promise.all([createTestDatabase(), createTestDatabase()]);
    const owners = await Promise.all([...databases, ...databases, ...databases].map(({ url }) => connect(url)));
    const applied = await Promise.all(owners.map((owner) => migrate(owner, files)));
    expect(applied.flat().sort()).toEqual([...names, ...names].sort());
    await Promise.all(owners.map((owner) => owner.end()));
  });

  it("leave nothing behind of one that fails, and name its file", async () => {
    const owner = await connect((await createTestDatabase()).url);
    const good = migration("0001_good", "create table good (id int); insert into good values (1)");
    const bad = migration("0002_bad", "create table half (id int); select nonsense");
    await expect(migrate(owner, [good, bad])).rejects.toThrow(/^0002_bad\.sql failed and was undone: .*nonsense/);
    expect(
      (await owner.query("select to_regclass('half') as half, (select count(*)::int from good) as good")).rows,
    ).toEqual([{ half: null, good: 1 }]);
    expect((await migrationStatus(owner, [good, bad])).map(({ appliedAt }) => appliedAt === undefined)).toEqual([
      false,
      true,
    ]);
    await owner.end();
  });

  it("are refused when the files contradict the database", async () => {
    const owner = await connect((await createTestDatabase()).url);
    const [first, second] = [migration("0001_first", "select 1"), migration("0002_second", "select 2")];
    await migrate(owner, [second]);
    for (const run of [migrate, migrationStatus]) {
      await expect(run(owner, [first, second])).rejects.toThrow(
        "0001_first.sql is pending, but sorts before 0002_second",
      );
      await expect(run(owner, [])).rejects.toThrow(
        "0002_second is applied, but this version has no 0002_second.sql: the database was migrated by a newer version",
      );
      await expect(run(owner, [migration("0002_second", "select 3")])).rejects.toThrow("0002_second.sql was changed");
    }
    expect(await surveyMigrations(owner, [])).toEqual([
      { name: "0002_second", appliedAt: expect.stringMatching(/^\d{4}-/), isOnDisk: false },
    ]);
    await owner.end();
  });
});

describe.skipIf(inject("clusterUrl") === undefined)("the database scripts", () => {
  it("migrate, give the worker its login, show the status and roll back", async () => {
    const { url } = await createTestDatabase();
    const variables = databaseVariables(url);
    expect(await npmRun(["db:status"], variables)).toMatchObject({
      code: 0,
      output: names.map((name) => `pending  ${name}\n`).join(""),
    });
    const migrated = await npmRun(["db:migrate"], variables);
    expect(migrated).toMatchObject({ code: 0, errors: "" });
    expect(migrated.output).toBe(
      `${names.map((name) => `applied ${name}\n`).join("")}task_worker can log in with DATABASE_URL\n`,
    );
    const worker = await connect(workerUrlTo(url));
    expect((await worker.query("select current_user, id from tasks")).rows).toEqual([]);
    await worker.end();
    const status = await npmRun(["db:status", "--", "--json"], variables);
    expect(JSON.parse(status.output)).toEqual(
      names.map((name) => ({ name, applied_at: expect.stringMatching(/^\d{4}-/), on_disk: true })),
    );
    const owner = await connect(url);
    await owner.query("insert into schema_migrations (name, checksum) values ('9999_newer', '')");
    expect(await npmRun(["db:status"], variables)).toMatchObject({
      code: 0,
      output: expect.stringMatching(/\napplied {2}9999_newer {2}\S+ {2}by a newer version than this, .*\n$/),
    });
    await owner.query("delete from schema_migrations where name = '9999_newer'");
    await owner.end();
    const rolledBack = await npmRun(["db:rollback", "--", "--steps", "1"], variables);
    expect(rolledBack).toMatchObject({ code: 0, output: `rolled back ${names.at(-1)}\n` });
  });

  it.each([
    [
      "db:status",
      ["--", "--env-file", "/dev/null"],
      {},
      /^DATABASE_OWNER_URL is not set: put it into .*\/dev\/null\n$/,
    ],
    ["db:status", ["--", "--env", "test"], {}, '--env must be staging or production, not "test"\n'],
    ["db:migrate", [], { DATABASE_OWNER_URL: "nonsense:hush" }, "DATABASE_OWNER_URL must be a postgres:// URL\n"],
    [
      "db:migrate",
      [],
      { DATABASE_OWNER_URL: "postgres://me:hush@127.0.0.1:9/x" },
      /^cannot connect to DATABASE_OWNER_URL .*ECONNREFUSED.*\n$/,
    ],
    ["db:rollback", [], {}, "--steps must be how many migrations to roll back, 1 or more\n"],
    ["db:rollback", ["--", "--steps", "0"], {}, "--steps must be how many migrations to roll back, 1 or more\n"],
    ["db:rollback", ["--", "--steps", "-1"], {}, /.*--steps.*\n$/],
    ["db:rollback", ["--", "--steps", "many"], {}, "--steps must be how many migrations to roll back, 1 or more\n"],
  ])("%s %j with %j ends with one line", async (script, args, variables, line) => {
    const { code, output, errors } = await npmRun([script, ...args], variables);
    expect({ code, output }).toEqual({ code: 1, output: "" });
    expect(errors).toEqual(typeof line === "string" ? line : expect.stringMatching(line));
    expect(errors.match(/\n/g)).toHaveLength(1);
    expect(errors).not.toContain("hush");
  });

  it("take what the environment does not say from the file of --env-file, as the runbook's commands do", async () => {
    const { url } = await createTestDatabase();
    const directory = await mkdtemp(join(tmpdir(), "tasks-database-cli-"));
    const file = join(directory, ".env");
    const lines = Object.entries(databaseVariables(url)).map(([name, value]) => `${name}=${value}\n`);
    await writeFile(file, lines.join(""));
    const args = ["--", "--env-file", file];

    const migrated = await npmRun(["db:migrate", ...args], {});
    expect(migrated).toMatchObject({ code: 0, errors: "" });
    expect(migrated.output).toContain("task_worker can log in with DATABASE_URL\n");
    expect((await npmRun(["db:rollback", ...args, "--steps", "1"], {})).output).toBe(`rolled back ${names.at(-1)}\n`);
    const elsewhere = { DATABASE_OWNER_URL: "postgres://me:hush@127.0.0.1:9/x" };
    expect((await npmRun(["db:status", ...args], elsewhere)).errors).toMatch(/127\.0\.0\.1:9\/x.*ECONNREFUSED/);
    await rm(directory, { recursive: true });
  });

  it("refuse a DATABASE_URL that is not the worker's", async () => {
    const { url } = await createTestDatabase();
    const { code, errors } = await npmRun(["db:migrate"], { DATABASE_OWNER_URL: url.href, DATABASE_URL: url.href });
    expect({ code, errors }).toEqual({
      code: 1,
      errors: `DATABASE_URL must log in as task_worker, not as ${url.username}\n`,
    });
  });
});
