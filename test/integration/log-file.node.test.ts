import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { LogFile } from "../../local/log-file.ts";

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "tasks-log-"));
  path = join(directory, "worker.log");
});

afterEach(() => rm(directory, { recursive: true }));

const linesOf = async (file: string) => (await readFile(join(directory, file), "utf8")).trimEnd().split("\n");

it("keeps the newest lines whole and in order, in so many files of so many bytes", async () => {
  const log = new LogFile(path, { bytes: 1_000, files: 3 });
  const lines = Array.from({ length: 1_000 }, (_, index) => `line ${index}: ${"é".repeat(index % 30)}`);
  for (const line of lines) log.write(line);
  log.close();

  const files = (await readdir(directory)).sort();
  expect(files).toEqual(["worker.log", "worker.log.1", "worker.log.2"]);
  const kept = [
    ...(await linesOf("worker.log.2")),
    ...(await linesOf("worker.log.1")),
    ...(await linesOf("worker.log")),
  ];
  expect(kept).toEqual(lines.slice(-kept.length));
  for (const file of files) {
    const { size, mode } = await stat(join(directory, file));
    expect(size).toBeLessThanOrEqual(1_000);
    expect(mode & 0o777).toBe(0o600);
  }
  expect(kept.length).toBeGreaterThan(50);
});

it("goes on behind what an earlier start wrote, and counts it", async () => {
  const limits = { bytes: 20, files: 2 };
  const first = new LogFile(path, limits);
  first.write("0123456789");
  first.close();
  const second = new LogFile(path, limits);
  second.write("a");
  second.write("0123456789");
  second.close();
  expect(await linesOf("worker.log.1")).toEqual(["0123456789", "a"]);
  expect(await linesOf("worker.log")).toEqual(["0123456789"]);
});
