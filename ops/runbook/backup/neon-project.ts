import { z } from "zod";
import { RunbookError, reasonOf } from "../runbook-error.ts";
import type { Settings } from "../settings.ts";

const API = "https://console.neon.tech/api/v2";
const WITHIN_MILLISECONDS = 30_000;
/** The most that Neon lists at once. */
const MOST_BRANCHES = 10_000;

const BRANCH_NAME = /^backup-\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}$/;

const branchSchema = z.object({ id: z.string(), name: z.string() });
const createdSchema = z.object({ branch: branchSchema });
const listSchema = z.object({ branches: z.array(branchSchema) });

/** The project at Neon, as far as backups go: https://api-docs.neon.tech/reference/listprojectbranches */
export class NeonProject {
  readonly #url: string;
  readonly #key: string;

  /** @throws RunbookError where NEON_API_KEY or NEON_PROJECT_ID is not set */
  constructor(settings: Settings) {
    this.#key = settings.need("NEON_API_KEY");
    const project = encodeURIComponent(settings.need("NEON_PROJECT_ID"));
    this.#url = `${settings.get("NEON_API_BASE_URL") ?? API}/projects/${project}/branches`;
  }

  /**
   * Makes a branch, which keeps the database as it is now at no cost of time: a second way back beside the dump.
   *
   * @returns what was made
   * @throws RunbookError when Neon does not make it
   */
  async makeBranch(now = new Date()): Promise<string> {
    const name = `backup-${now.toISOString().slice(0, 19).replaceAll(":", "-")}`;
    const answer = await this.#ask("POST", "", "for a branch", { branch: { name } });
    const { branch } = createdSchema.parse(await answer.json());
    return `Neon branch ${branch.name} (${branch.id})`;
  }

  /**
   * Deletes all branches that backups have made but the newest, and returns the names of those deleted.
   *
   * @throws RunbookError when Neon does not
   */
  async deleteOldBranches(keep: number): Promise<readonly string[]> {
    const answer = await this.#ask("GET", `?search=backup-&limit=${MOST_BRANCHES}`, "for its branches");
    const old = listSchema
      .parse(await answer.json())
      .branches.filter(({ name }) => BRANCH_NAME.test(name))
      .sort((a, b) => (a.name < b.name ? 1 : -1))
      .slice(keep);
    for (const { id, name } of old) await this.#ask("DELETE", `/${encodeURIComponent(id)}`, `to delete ${name}`);
    return old.map(({ name }) => name);
  }

  async #ask(method: string, path: string, what: string, body?: unknown): Promise<Response> {
    const response = await fetch(`${this.#url}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${this.#key}`,
        Accept: "application/json",
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(WITHIN_MILLISECONDS),
    }).catch((error: unknown) => {
      throw new RunbookError(`Neon cannot be reached: ${reasonOf(error)}`, { cause: error });
    });
    if (!response.ok) throw new RunbookError(`Neon answered ${response.status} when asked ${what}`);
    return response;
  }
}
