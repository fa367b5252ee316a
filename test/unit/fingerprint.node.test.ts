import { mkdir, mkdtemp, rename, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { fingerprintOf } from "../../local/fingerprint.ts";

let directory: string;
const fingerprint = () => fingerprintOf(directory, ["src", "wrangler.toml"]);

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "tasks-fingerprint-"));
  await mkdir(join(directory, "src/tasks"), { recursive: true });
  await writeFile(join(directory, "src/worker.ts"), "export default {}");
  await writeFile(join(directory, "src/tasks/task.ts"), "export const a = 1;");
  await writeFile(join(directory, "wrangler.toml"), "main = 1");
  await writeFile(join(directory, "README.md"), "not a source");
});

afterEach(() => rm(directory, { recursive: true, force: true }));

it.each([
  ["a file that says something else", () => writeFile(join(directory, "src/tasks/task.ts"), "export const a = 2;")],
  ["a new file", () => writeFile(join(directory, "src/tasks/new.ts"), "")],
  ["another name", () => rename(join(directory, "src/worker.ts"), join(directory, "src/works.ts"))],
  ["a word that moved to the next file", moveWord],
])("is another for %s", async (_, change) => {
  const before = await fingerprint();
  await change();

  expect(before).toMatch(/^[\da-f]{64}$/);
  expect(await fingerprint()).not.toBe(before);
});

it("is the same whenever the files were written, and whatever stands beside them", async () => {
  const before = await fingerprint();
  await utimes(join(directory, "src/worker.ts"), 1, 1);
  await writeFile(join(directory, "README.md"), "changed");

  expect(await fingerprint()).toBe(before);
});

async function moveWord(): Promise<void> {
  await writeFile(join(directory, "src/tasks/task.ts"), "export const");
  await writeFile(join(directory, "src/worker.ts"), " a = 1;export default {}");
}
