import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, onTestFinished } from "vitest";
import { openEmbeddedDatabase } from "../../local/embedded-database.ts";
import { projectDirectory } from "../../local/environment.ts";
import { makeOnce } from "../../local/kept-builds.ts";

const CACHE = join(projectDirectory, "node_modules/.cache/mcp-task-server");

let directory: string;
let kind: string;
let made: number;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "tasks-kept-"));
  kind = `test-${randomUUID()}`;
  made = 0;
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
  await rm(join(CACHE, kind), { recursive: true, force: true });
});

/** Makes a directory with one file in it, of a source of the project. */
async function makeOf(source: string, name: string): Promise<string> {
  const path = join(directory, name);
  const make = async (into: string) => {
    made += 1;
    await mkdir(into);
    await writeFile(join(into, "source"), source);
  };
  await makeOnce(path, { kind, sources: [source], make });
  return readFile(join(path, "source"), "utf8");
}

it("makes a directory once of the same sources, and a copy of it from then on", async () => {
  expect(await makeOf("README.md", "first")).toBe("README.md");
  await writeFile(join(directory, "first/source"), "changed by its user");

  expect(await makeOf("README.md", "second")).toBe("README.md");
  expect(made).toBe(1);
});

it("makes it anew of other sources, and keeps the last alone", async () => {
  await makeOf("README.md", "first");

  expect(await makeOf("package.json", "first")).toBe("package.json");
  expect(made).toBe(2);
  expect(await readdir(join(CACHE, kind))).toHaveLength(1);
});

it("serves several at once, and leaves nothing half made", async () => {
  const names = Array.from({ length: 8 }, (_, index) => `copy-${index}`);

  expect(new Set(await Promise.all(names.map((name) => makeOf("README.md", name))))).toEqual(new Set(["README.md"]));
  expect(await readdir(join(CACHE, kind))).toHaveLength(1);
  expect((await readdir(CACHE)).filter((name) => name.startsWith(kind) && name !== kind)).toEqual([]);
});

it("keeps nothing of what could not be made", async () => {
  const make = () => Promise.reject(new Error("no space left"));
  const making = makeOnce(join(directory, "first"), { kind, sources: ["README.md"], make });

  await expect(making).rejects.toThrow("no space left");
  expect(await makeOf("README.md", "first")).toBe("README.md");
});

it("keeps nothing of sources that were changed while it was made", async () => {
  const source = `node_modules/.cache/${kind}`;
  const file = join(projectDirectory, source);
  onTestFinished(() => rm(file, { force: true }));
  await writeFile(file, "before");
  const make = async (into: string) => {
    await mkdir(into);
    await writeFile(file, "after");
  };
  await makeOnce(join(directory, "first"), { kind, sources: [source], make });

  expect(await readdir(join(CACHE, kind)).catch(() => [])).toEqual([]);
});

it("gives each data directory an embedded database of its own", async () => {
  for (const name of ["first", "second"]) {
    const database = await openEmbeddedDatabase(join(directory, name));
    const { rows } = await database.pool.query("select email from sign_up('a@example.com', 'A', 'UTC', 'hash')");
    await database.close();

    expect(rows).toEqual([{ email: "a@example.com" }]);
  }
});
