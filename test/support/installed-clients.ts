import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const directory = join(import.meta.dirname, "../clients");
const packageSchema = z.object({ dependencies: z.record(z.string(), z.string()) });

/**
 * Whether the real clients are installed, by `npm ci --prefix test/clients`. Without them their tests are skipped,
 * but never in CI.
 *
 * @throws Error in CI, when they are not
 */
export function areClientsInstalled(): boolean {
  const { dependencies } = packageSchema.parse(JSON.parse(readFileSync(join(directory, "package.json"), "utf8")));
  const isInstalled = (name: string) => existsSync(join(directory, "node_modules", name));
  if (Object.keys(dependencies).every(isInstalled)) return true;
  if (process.env.CI !== "true") return false;
  throw new Error("the clients are not all installed: npm ci --prefix test/clients");
}
