import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** The code of all modules of a bundle. */
export async function bundleText(directory: string): Promise<string> {
  const files = (await readdir(directory)).filter((file) => file.endsWith(".js"));
  return (await Promise.all(files.map((file) => readFile(join(directory, file), "utf8")))).join("\n");
}
