import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import { migrate } from "../../ops/database/migrate.ts";
import { readMigrationFiles } from "../../ops/database/migration-files.ts";
import { createTestDatabase } from "../support/cluster-databases.ts";
import { freePort } from "../support/processes.ts";

const CLI = join(import.meta.dirname, "../../ops/runbook/cli.ts");

describe.skipIf(inject("clusterUrl") === undefined)("backup and restore", { timeout: 60_000 }, () => {
  let directory: string;
  let url: URL;
  let owner: pg.Client;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "tasks-backup-"));
    ({ url } = await createTestDatabase({ mayCreateDatabases: true }));
    owner = new pg.Client({ connectionString: url.href });
    await owner.connect();
    await migrate(owner, await readMigrationFiles());
    await owner.query(
      "insert into users (email, name, time_zone, password_hash) select 'u' || n || '@example.com', 'Ünï ' || n, 'UTC', 'x' from generate_series(1, 50) as n",
    );
    await owner.query(
      "insert into tasks (user_id, title, description, tags) select 1 + n % 50, 'task ' || n, repeat('é', n % 70), array['a', 'b'] from generate_series(1, 3000) as n",
    );
  });

  afterEach(async () => {
    await owner.end();
    await rm(directory, { recursive: true, force: true });
  });

  async function runbook(args: string[], variables: Record<string, string> = {}) {
    const child = spawn(process.execPath, ["--no-warnings", CLI, ...args, "--dir", join(directory, "backups")], {
      env: { ...process.env, DATABASE_OWNER_URL: url.href, ...variables },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [[code], stdout, stderr] = await Promise.all([once(child, "close"), text(child.stdout), text(child.stderr)]);
    return { code: Number(code), stdout, stderr };
  }

  const rows = async (table: string) => (await owner.query(`select * from ${table} order by id`)).rows;

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
    expect(policies).toHaveLength(1);
    await owner.query("insert into tasks (user_id, title) values (1, 'the next id is free')");
  });

  it("keeps the newest, readable by their owner alone, and leaves no scratch database", async () => {
    for (let count = 0; count < 3; count += 1) {
      expect((await runbook(["backup", "--keep", "2"])).code).toBe(0);
      // A backup is named by its second.
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
    const names = await readdir(join(directory, "backups"));
    expect(names.filter((name) => name.endsWith(".dump"))).toHaveLength(2);
    expect(names).toHaveLength(4);
    for (const name of names) expect((await stat(join(directory, "backups", name))).mode & 0o077).toBe(0);
    const { rows: scratch } = await owner.query("select from pg_database where datname like 'restore_check_%'");
    expect(scratch).toEqual([]);
  });

  it("refuses a backup that was damaged", async () => {
    await runbook(["backup", "--no-verify"]);
    const [dump = ""] = await readdir(join(directory, "backups"));
    const path = join(directory, "backups", dump);
    await writeFile(path, Buffer.concat([await readFile(path), Buffer.from("x")]));

    const { code, stderr } = await runbook(["restore", "--replace"]);
    expect(code).toBe(1);
    expect(stderr).toContain("is damaged: its SHA-256 is not the manifest's");
  });

  it("makes a Neon branch where there is a key, and does not show it", async () => {
    const port = await freePort();
    const requests: string[] = [];
    const neon = createServer(async (request, response) => {
      requests.push(`${request.method} ${request.url} ${request.headers.authorization} ${await text(request)}`);
      response.end(JSON.stringify({ branch: { id: "br-1", name: "backup-now" } }));
    }).listen(port, "127.0.0.1");
    const { code, stdout } = await runbook(["backup", "--no-verify"], {
      NEON_API_KEY: "the-neon-key",
      NEON_PROJECT_ID: "project-1",
      NEON_API_BASE_URL: `http://127.0.0.1:${port}`,
    });
    neon.close();

    expect(code).toBe(0);
    expect(requests).toEqual([
      expect.stringMatching(/^POST \/projects\/project-1\/branches Bearer the-neon-key \{"branch"/),
    ]);
    expect(stdout).toContain("Neon branch backup-now (br-1)");
    expect(stdout).not.toContain("the-neon-key");
  });

  it.each([
    [["backup", "--keep", "many"], '--keep must be a number above 0, not "many"\n'],
    [["backup", "--retain", "3"], "Unknown option '--retain'\n"],
    [["restore", "--env", "test"], '--env must be staging or production, not "test"\n'],
  ])("refuses %j with one line and exit code 2", async (args, line) => {
    expect(await runbook(args)).toEqual({ code: 2, stdout: "", stderr: line });
  });
});
