import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { z } from "zod";
import type { Procedure } from "../procedure.ts";
import { RunbookError } from "../runbook-error.ts";

/** Writes a file whose name begins with when the command began, as the log's does. @returns its path */
export async function writeBesideLog(
  directory: string,
  name: string,
  text: string,
  { startedAt }: Procedure,
): Promise<string> {
  await mkdir(directory, { recursive: true });
  const path = join(directory, `${startedAt.toISOString().slice(0, 19).replaceAll(":", "-")}-${name}`);
  await writeFile(path, text);
  return path;
}

/** The same with what a later command reads by `readRecords`. */
export async function writeRecord(
  directory: string,
  name: string,
  record: object,
  procedure: Procedure,
): Promise<void> {
  await writeBesideLog(directory, name, `${JSON.stringify(record, null, 2)}\n`, procedure);
}

/**
 * Reads the records whose names end in one way, the newest first; none where there is no directory.
 *
 * @param what the record of, such as "the result of a preflight"
 * @throws RunbookError for one that does not fit the schema, when its turn comes
 */
export async function* readRecords<Schema extends z.ZodType>(
  directory: string,
  ending: string,
  schema: Schema,
  what: string,
): AsyncGenerator<{ path: string; record: z.output<Schema> }> {
  const names = (await readdir(directory).catch(() => [])).filter((name) => name.endsWith(ending)).sort();
  for (const name of names.reverse()) {
    const path = join(directory, name);
    const { success, data } = schema.safeParse(JSON.parse(await readFile(path, "utf8")));
    if (!success) throw new RunbookError(`${path} is not ${what}`);
    yield { path, record: data };
  }
}
