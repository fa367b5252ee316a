import { rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type ReleaseTarget, readReleaseTarget } from "../release-target.ts";
import { checkByWrangler } from "../wrangler-configuration.ts";

/**
 * Puts a text in the place of the configuration once wrangler has read it: what it cannot read changes nothing.
 *
 * @param check looks at what was read, and throws where it is not what was meant
 * @returns the environment as it is configured then
 */
export async function replaceConfiguration(
  { configPath, environment }: Pick<ReleaseTarget, "configPath" | "environment">,
  text: string,
  check: (read: ReleaseTarget) => void = () => undefined,
): Promise<ReleaseTarget> {
  // Beside it: its paths are relative.
  const draft = join(dirname(configPath), `.setup-${basename(configPath)}`);
  try {
    await writeFile(draft, text);
    await checkByWrangler(environment, draft);
    const read = await readReleaseTarget(environment, draft);
    check(read);
    await rename(draft, configPath);
    return { ...read, configPath };
  } finally {
    await rm(draft, { force: true });
  }
}
