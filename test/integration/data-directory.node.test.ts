import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openDataDirectory } from "../../local/data-directory.ts";
import { keepSecrets } from "../../local/secrets.ts";

let path: string;

beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), "tasks-data-"));
});

afterEach(() => rm(path, { recursive: true }));

/** What a start leaves that is killed with the lock in its hands, as the release before took it: with a journal. */
async function leaveJournal(): Promise<void> {
  const program = `
    import { DatabaseSync } from "node:sqlite";
    new DatabaseSync(${JSON.stringify(join(path, "lock"))}).exec("begin exclusive");
    process.kill(process.pid, "SIGKILL");
  `;
  const child = spawn(process.execPath, ["--no-warnings", "--input-type=module", "-e", program], { stdio: "ignore" });
  expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);
  expect(await readdir(path)).toContain("lock-journal");
}

/** A directory with a lock and secrets in it, that no start uses. */
async function leaveStart(): Promise<void> {
  const data = await openDataDirectory(path);
  await keepSecrets(data.secrets);
  data.release();
}

describe("the data directory of npm start", () => {
  it.each([
    ["a journal beside the lock, and nothing else yet", leaveJournal],
    [
      "secrets that somebody has deleted, beside a journal",
      async () => {
        await leaveStart();
        await unlink(join(path, "secrets.json"));
        await leaveJournal();
        await writeFile(join(path, "worker.log.1"), "");
      },
    ],
    [
      "no lock, as somebody has deleted it",
      async () => {
        await leaveStart();
        await unlink(join(path, "lock"));
      },
    ],
    [
      "a lock that is no database",
      async () => {
        await leaveStart();
        await writeFile(join(path, "lock"), "12345\n");
      },
    ],
    [
      "a journal that is no journal",
      async () => {
        await leaveStart();
        await writeFile(join(path, "lock-journal"), "0123456789".repeat(100));
      },
    ],
  ])("is opened with %s", async (_, leave) => {
    await leave();
    const data = await openDataDirectory(path);
    await expect(openDataDirectory(path)).rejects.toThrow(`DATA_DIR ${path} is in use by another npm start`);
    data.release();
    (await openDataDirectory(path)).release();
  });

  it("is one start's alone, whatever the lock says", async () => {
    await leaveStart();
    await writeFile(join(path, "lock"), "12345\n");
    const openings = await Promise.allSettled(Array.from({ length: 8 }, () => openDataDirectory(path)));
    const opened = openings.filter((opening) => opening.status === "fulfilled").map(({ value }) => value);
    for (const data of opened) data.release();
    expect(opened).toHaveLength(1);
  });

  it("is not taken for one where somebody's own secrets.json lies beside their worker", async () => {
    await mkdir(join(path, "worker"));
    await writeFile(join(path, "worker", "thesis.txt"), "ten years of work");
    await writeFile(join(path, "secrets.json"), '{"api_key": "mine"}');
    await expect(openDataDirectory(path)).rejects.toThrow("holds files that are not npm start's");
    expect(await readFile(join(path, "worker", "thesis.txt"), "utf8")).toBe("ten years of work");
  });

  it("keeps its secrets from other users, also when it was copied", async () => {
    const file = join(path, "secrets.json");
    const secrets = await keepSecrets(file);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await chmod(file, 0o644);
    expect(await keepSecrets(file)).toEqual(secrets);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it("gives a directory of the release before the secret that it lacks, and leaves the others", async () => {
    const file = join(path, "secrets.json");
    const { WORKER_PASSWORD: _, ...before } = await keepSecrets(file);
    await writeFile(file, JSON.stringify(before));
    const { WORKER_PASSWORD, ...after } = await keepSecrets(file);
    expect(after).toEqual(before);
    expect(WORKER_PASSWORD).toMatch(/^[\w-]{43}$/);
  });
});
