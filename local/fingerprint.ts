import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative } from "node:path";

/**
 * What files say, in 64 hexadecimal digits: other names or other contents give another fingerprint.
 *
 * @param names of files, or of directories with all that is in them, below `directory`; those that are not there count
 * for nothing
 */
export async function fingerprintOf(directory: string, names: readonly string[]): Promise<string> {
  const files = (await Promise.all(names.map((name) => filesOf(join(directory, name))))).flat().toSorted();
  const contents = await Promise.all(files.map((file) => readFile(file)));
  const hash = createHash("sha256");
  for (const [index, file] of files.entries()) {
    const content = contents[index] ?? "";
    hash.update(JSON.stringify([relative(directory, file), content.length])).update(content);
  }
  return hash.digest("hex");
}

async function filesOf(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return [];
  if (!found.isDirectory()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
