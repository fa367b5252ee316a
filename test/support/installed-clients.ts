import { existsSync } from "node:fs";
import { join } from "node:path";

const directory = join(import.meta.dirname, "../clients/node_modules");

/**
 * Whether the real MCP clients are installed, by `npm ci --prefix test/clients`. Without them their tests are skipped,
 * but never in CI.
 *
 * @throws Error in CI, when they are not
 */
export function areClientsInstalled(): boolean {
  if (existsSync(join(directory, "mcp-remote"))) return true;
  if (process.env.CI !== "true") return false;
  throw new Error("the MCP clients are not installed: npm ci --prefix test/clients");
}
