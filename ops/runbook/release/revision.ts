import { execFile } from "node:child_process";
import { userInfo } from "node:os";
import { promisify } from "node:util";
import manifest from "../../../package.json" with { type: "json" };
import { projectDirectory, type Settings } from "../settings.ts";

const run = promisify(execFile);

/** What is released. */
export interface Revision {
  /** `v1.0.0`. */
  readonly version: string;
  /** The commit, or `unknown` outside a clone; `-dirty` behind it where there are changes that are not committed. */
  readonly commit: string;
  readonly releasedBy: string;
}

/** Finds out what is released, and by whom. */
export async function readRevision(settings: Settings): Promise<Revision> {
  const commit = await git("rev-parse", "--short=12", "HEAD");
  const changes = await git("status", "--porcelain", "--untracked-files=no");
  const author = await git("config", "user.name");
  return {
    version: `v${manifest.version}`,
    commit: commit === undefined ? "unknown" : `${commit}${changes === "" ? "" : "-dirty"}`,
    releasedBy: settings.get("DEPLOYED_BY") ?? author ?? userInfo().username,
  };
}

/** @returns undefined outside a clone, or where git knows no answer */
async function git(...args: string[]): Promise<string | undefined> {
  try {
    return (await run("git", args, { cwd: projectDirectory })).stdout.trim() || (args[0] === "status" ? "" : undefined);
  } catch {
    return undefined;
  }
}
