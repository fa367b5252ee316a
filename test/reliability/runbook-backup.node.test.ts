import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import pg from "pg";
import { afterEach, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { migrate } from "../../ops/database/migrate.ts";
import { type MigrationFile, readMigrationFiles } from "../../ops/database/migration-files.ts";
import { clusterUrl, copyTestDatabase, createMigratedDatabase } from "../support/cluster-databases.ts";
import { PATIENCE } from "../support/patience.ts";
import { freePort } from "../support/processes.ts";

const CLI = join(import.meta.dirname, "../../ops/runbook/cli.ts");
const POLL = { timeout: PATIENCE, interval: 50 };
const files = await readMigrationFiles();

/** A migration of a release that is rolled back: a bit of everything, hanging together. */
const AUDIT_LOG: MigrationFile = {
  name: "9001_audit_log",
  kind: "expand",
  up: `create type audit_kind as enum ('made', 'done');
    create table audit_log (
      id serial, user_id integer, task_id integer, kind audit_kind, foreign key (user_id, task_id) references tasks
    ) partition by list (kind);
    create table audit_log_made partition of audit_log for values in ('made');
    create function is_audited(kind audit_kind) returns boolean language sql as 'select true';
    create view audited as select tasks.* from tasks join audit_log on task_id = tasks.id and audit_log.user_id = tasks.user_id;
    grant select on audited, tasks to task_worker;
    alter default privileges in schema public grant select on tables to task_worker;
    alter table tasks add column audited_at timestamptz;`,
  down: "select 1",
  checksum: "of a test",
};

describe.skipIf(inject("clusterUrl") === undefined)("backup and restore", () => {
  let directory: string;
  let backups: string;
  /** What each test has a copy of. */
  let template: URL;
  let url: URL;
  let owner: pg.Client;
  const started: ChildProcess[] = [];

  beforeAll(async () => {
    ({ url: template } = await createMigratedDatabase({ mayCreateDatabases: true }));
    const first = new pg.Client({ connectionString: template.href });
    await first.connect();
    await first.query(
      "insert into users (email, name, time_zone, password_hash) select 'u' || n || '@example.com', 'Ünï ' || n, 'UTC', 'x' from generate_series(1, 50) as n",
    );
    await first.query(
      "insert into tasks (user_id, title, description, tags) select 1 + n % 50, 'task ' || n, repeat('é', n % 70), array['a', 'b'] from generate_series(1, 3000) as n",
    );
    await first.end();
  });

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "tasks-backup-"));
    backups = join(directory, "backups");
    url = await copyTestDatabase(template);
    owner = new pg.Client({ connectionString: url.href });
    await owner.connect();
  });

  afterEach(async () => {
    for (const child of started.splice(0)) child.kill("SIGKILL");
    await owner.end();
    await rm(directory, { recursive: true, force: true });
  });

  function start(args: string[], variables: Record<string, string> = {}) {
    const child = spawn(process.execPath, ["--no-warnings", CLI, ...args, "--dir", backups], {
      env: { ...process.env, DATABASE_OWNER_URL: url.href, ...variables },
      stdio: ["ignore", "pipe", "pipe"],
    });
    started.push(child);
    return child;
  }

  async function runbook(args: string[], variables: Record<string, string> = {}) {
    const child = start(args, variables);
    const [[code], stdout, stderr] = await Promise.all([once(child, "close"), text(child.stdout), text(child.stderr)]);
    return { code: Number(code), stdout, stderr };
  }

  const rows = async (table: string) => (await owner.query(`select * from ${table} order by id`)).rows;

  async function scratchDatabases(): Promise<unknown[]> {
    const { rows: found } = await owner.query(
      "select datname from pg_database where datname like 'restore_check_%' and datdba = current_user::regrole",
    );
    return found.map(({ datname }) => datname);
  }

  /** What the schema public holds beside rows, and who may do what there. */
  async function objects(): Promise<unknown[]> {
    const { rows: found } = await owner.query(
      `select type, identity, coalesce(relacl, proacl)::text as grants
       from pg_depend cross join pg_identify_object(classid, objid, 0)
         left join pg_class on pg_class.oid = objid left join pg_proc on pg_proc.oid = objid
       where refclassid = 'pg_namespace'::regclass and refobjid = 'public'::regnamespace
       union all
       select 'schema', nspname, nspacl::text from pg_namespace where nspname = 'public'
       order by type, identity`,
    );
    return found;
  }

  it("brings every row back after the tables were dropped", async () => {
    const before = { users: await rows("users"), tasks: await rows("tasks") };
    const backup = await runbook(["backup"]);
    expect(backup, backup.stderr).toMatchObject({ code: 0, stderr: "" });
    expect(backup.stdout).toContain("every table has the same rows and the same checksum");
    expect(backup.stdout).not.toContain(url.password);

    await owner.query("drop table users, tasks cascade");
    const refused = await runbook(["restore"]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^the database holds \d+ tables: give --replace to lose what is in them\n$/);

    const restored = await runbook(["restore", "--replace"]);
    expect(restored, restored.stderr).toMatchObject({ code: 0 });
    expect({ users: await rows("users"), tasks: await rows("tasks") }).toEqual(before);
    const { rows: policies } = await owner.query("select from pg_policies where tablename = 'tasks'");
    expect(policies).toHaveLength(2);
    await owner.query("insert into tasks (user_id, title) values (1, 'the next id is free')");
  });

  it("goes back behind a migration, and leaves nothing of it", async () => {
    // As Neon has them: default privileges of somebody whom the owner may not speak for, and an extension.
    const superuser = new pg.Client({ connectionString: clusterUrl(url.pathname.slice(1)).href });
    await superuser.connect();
    await superuser.query(`alter default privileges in schema public grant all on tables to ${url.username}`);
    await superuser.query("create extension citext");
    await superuser.end();
    const before = { tasks: await rows("tasks"), objects: await objects() };
    expect(await runbook(["backup"])).toMatchObject({ code: 0 });

    await migrate(owner, [...files, AUDIT_LOG]);
    await owner.query("delete from tasks where id > 10");
    expect(await objects()).not.toEqual(before.objects);
    const restored = await runbook(["restore", "--replace"]);

    expect(restored, restored.stderr).toMatchObject({ code: 0 });
    expect({ tasks: await rows("tasks"), objects: await objects() }).toEqual(before);
    expect(await migrate(owner, [...files, AUDIT_LOG])).toEqual([AUDIT_LOG.name]);
  });

  it("changes nothing when it cannot put back what was saved", async () => {
    await runbook(["backup", "--no-verify"]);
    const [name = ""] = (await readdir(backups)).filter((file) => file.endsWith(".json"));
    const path = join(backups, name);
    await writeFile(path, (await readFile(path, "utf8")).replace(/(?<="tasks": \{\s*"rows": )3000/, "3001"));
    await migrate(owner, [...files, AUDIT_LOG]);
    await owner.query("insert into tasks (user_id, title) values (1, 'since then')");
    const before = { tasks: await rows("tasks"), objects: await objects() };

    const differs = await runbook(["restore", "--replace"]);
    expect(differs).toMatchObject({ code: 1, stderr: "nothing was restored: tasks has 3000 rows and had 3001\n" });
    expect({ tasks: await rows("tasks"), objects: await objects() }).toEqual(before);

    await owner.query("create schema reporting; create view reporting.mails as select email from users");
    const depended = await runbook(["restore", "--replace"]);
    expect(depended.code).toBe(1);
    expect(depended.stderr).toMatch(/^psql failed: .*what is in other schemas depends on .*: reporting\.mails\n$/);
    expect({ tasks: await rows("tasks"), objects: await objects() }).toEqual(before);
  });

  it("keeps the newest, readable by their owner alone, also of two that begin at once", async () => {
    const made = await Promise.all([runbook(["backup", "--json"]), runbook(["backup", "--no-verify"])]);
    expect(made.map(({ code }) => code)).toEqual([0, 0]);
    expect(JSON.parse(made[0].stdout).result.verified_at).toMatch(/^\d{4}-/);
    expect(await readdir(backups)).toHaveLength(4);
    expect((await runbook(["backup", "--no-verify", "--keep", "2"])).code).toBe(0);
    const names = await readdir(backups);
    expect(names.filter((name) => name.endsWith(".dump"))).toHaveLength(2);
    expect(names).toHaveLength(4);
    for (const name of names) expect((await stat(join(backups, name))).mode & 0o077).toBe(0);
    expect(await scratchDatabases()).toEqual([]);
  });

  it("clears up when it is told to end, while it dumps and while it verifies", async () => {
    const blocker = new pg.Client({ connectionString: url.href });
    await blocker.connect();
    await blocker.query("begin; lock table tasks");
    const dumping = start(["backup"]);
    await expect.poll(() => readdir(backups).catch(() => []), POLL).toHaveLength(1);
    const [part = ""] = await readdir(backups);
    expect((await stat(join(backups, part))).mode & 0o777).toBe(0o600);
    dumping.kill("SIGTERM");
    expect(await once(dumping, "exit")).toEqual([null, "SIGTERM"]);
    expect(await readdir(backups)).toEqual([]);
    await blocker.end();

    await owner.query(
      `create function dawdle(n int) returns int language plpgsql immutable as $$
         begin
           if current_database() like 'restore_check_%' then perform pg_sleep(60); end if;
           return n;
         end
       $$`,
    );
    await owner.query("create index on tasks (public.dawdle(id)) where id = 1");
    const verifying = start(["backup"]);
    const sleeping = "select from pg_stat_activity where wait_event = 'PgSleep' and usename = current_user";
    await expect.poll(async () => (await owner.query(sleeping)).rowCount, POLL).toBe(1);
    verifying.kill("SIGINT");
    expect(await once(verifying, "exit")).toEqual([null, "SIGINT"]);
    expect(await scratchDatabases()).toEqual([]);
    expect(await readdir(backups)).toHaveLength(2);
  });

  it("deletes what one left that was killed a day ago, and nothing that may be at work", async () => {
    await mkdir(backups);
    const [old, young] = ["backup_20260101_000000.dump.part", "backup_20260102_000000.dump.part"];
    for (const name of [old, young, "notes.part"]) await writeFile(join(backups, name), "");
    for (const name of [old, "notes.part"]) await utimes(join(backups, name), 0, 0);
    const now = new Date().toISOString().slice(0, 19).replace(/\D/g, "");
    const working = `restore_check_${now}_${randomBytes(6).toString("hex")}`;
    await owner.query(`create database restore_check_20260101000000_${randomBytes(6).toString("hex")}`);
    await owner.query(`create database ${working}`);

    expect((await runbook(["backup"])).code).toBe(0);
    expect(await scratchDatabases()).toEqual([working]);
    await owner.query(`drop database ${working}`);
    const names = await readdir(backups);
    expect(names).toEqual(expect.arrayContaining([young, "notes.part"]));
    expect(names).not.toContain(old);
  });

  it("refuses a backup that was damaged", async () => {
    await runbook(["backup", "--no-verify"]);
    const [dump = ""] = await readdir(backups);
    const path = join(backups, dump);
    await writeFile(path, Buffer.concat([await readFile(path), Buffer.from("x")]));

    const { code, stderr } = await runbook(["restore", "--replace"]);
    expect(code).toBe(1);
    expect(stderr).toContain("is damaged: its SHA-256 is not the manifest's");
  });

  it("makes a Neon branch where there is a key, deletes old ones, and does not show the key", async () => {
    const port = await freePort();
    const requests: string[] = [];
    let isFull = false;
    const branches = ["main", "backup-of-mine", ...["03", "01", "02"].map((day) => `backup-2026-01-${day}T00-00-00`)];
    const neon = createServer(async (request, response) => {
      requests.push(`${request.method} ${request.url} ${request.headers.authorization} ${await text(request)}`);
      if (request.method === "POST") {
        response.writeHead(isFull ? 422 : 201);
        response.end(JSON.stringify({ branch: { id: "br-1", name: "backup-now" } }));
      } else response.end(JSON.stringify({ branches: branches.map((name) => ({ id: `id of ${name}`, name })) }));
    }).listen(port, "127.0.0.1");
    const variables = {
      NEON_API_KEY: "the-neon-key",
      NEON_PROJECT_ID: "project-1",
      NEON_API_BASE_URL: `http://127.0.0.1:${port}`,
    };
    const { code, stdout } = await runbook(["backup", "--no-verify", "--keep", "2"], variables);

    expect(code).toBe(0);
    expect(requests).toEqual([
      expect.stringMatching(/^POST \/projects\/project-1\/branches Bearer the-neon-key \{"branch"/),
      expect.stringMatching(/^GET \/projects\/project-1\/branches\?search=backup-&limit=10000 Bearer the-neon-key $/),
      "DELETE /projects/project-1/branches/id%20of%20backup-2026-01-01T00-00-00 Bearer the-neon-key ",
    ]);
    expect(stdout).toContain("Neon branch backup-now (br-1)");
    expect(stdout).toContain("Neon retention: deleted backup-2026-01-01T00-00-00");
    expect(stdout).not.toContain("the-neon-key");

    isFull = true;
    const refused = await runbook(["backup", "--no-verify", "--keep", "1"], variables);
    neon.close();
    expect(refused).toMatchObject({ code: 1, stderr: "Neon answered 422 when asked for a branch\n" });
    expect((await readdir(backups)).filter((name) => name.endsWith(".dump"))).toHaveLength(1);
    expect(requests.filter((request) => request.startsWith("DELETE"))).toHaveLength(3);
  });

  it.each([
    [["backup", "--keep", "many"], '--keep must be a number above 0, not "many"\n'],
    [["backup", "--retain", "3"], "Unknown option '--retain'\n"],
    [["restore", "--env", "test"], '--env must be staging or production, not "test"\n'],
  ])("refuses %j with one line and exit code 2", async (args, line) => {
    expect(await runbook(args)).toEqual({ code: 2, stdout: "", stderr: line });
  });
});
