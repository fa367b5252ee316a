import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { projectDirectory } from "../../local/environment.ts";

const run = promisify(execFile);
const UNITS = join(projectDirectory, "ops/systemd");
const INSTALLED = "/opt/mcp-task-server";
const SYSTEMD_ANALYZE = "/usr/bin/systemd-analyze";
/** CI must not skip it. */
const isMissing = process.env.CI !== "true" && !existsSync(SYSTEMD_ANALYZE);

describe("the systemd units", () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "tasks-systemd-"));
  });

  afterEach(() => rm(directory, { recursive: true }));

  it.skipIf(isMissing)("satisfy systemd-analyze verify, which has nothing to say", async () => {
    const names = await readdir(UNITS);
    for (const name of names) {
      const unit = await readFile(join(UNITS, name), "utf8");
      await writeFile(join(directory, name), unit.replaceAll(INSTALLED, projectDirectory));
    }
    const { stdout, stderr } = await run(SYSTEMD_ANALYZE, ["verify", ...names.map((name) => join(directory, name))]);
    expect(stdout + stderr).toBe("");
  });

  it("back up to where their user may write, by what root has given them", async () => {
    const unit = await readFile(join(UNITS, "mcp-task-server-backup.service"), "utf8");
    expect(unit).toContain("\nStateDirectory=mcp-task-server/backups\n");
    expect(unit).toContain("\nLoadCredential=backup.env:/etc/mcp-task-server/backup.env\n");
    await writeFile(join(directory, "backup.env"), "DATABASE_OWNER_URL=postgres://owner:hush@db.example/tasks\n");
    const [, command = ""] = /^ExecStart=(.+)$/m.exec(unit) ?? [];
    const words = command
      .replaceAll(INSTALLED, projectDirectory)
      .replaceAll(`\${CREDENTIALS_DIRECTORY}`, directory)
      .replaceAll(`\${STATE_DIRECTORY}`, "/var/lib/mcp-task-server/backups")
      .split(" ");
    const { stdout } = await run("env", ["-i", ...words, "--dry-run"], { cwd: projectDirectory });
    expect(stdout).toContain("of db.example/tasks to /var/lib/mcp-task-server/backups, keeping 30");
  });
});
