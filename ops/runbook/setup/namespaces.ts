import { readFile, writeFile } from "node:fs/promises";
import type { Procedure } from "../procedure.ts";
import type { ReleaseTarget } from "../release-target.ts";
import { RunbookError } from "../runbook-error.ts";
import type { Wrangler } from "../wrangler.ts";

/** Makes the KV namespaces that the configuration binds and has no id of, and writes their ids into it. */
export async function setUpNamespaces(target: ReleaseTarget, wrangler: Wrangler, procedure: Procedure): Promise<void> {
  const lacking = target.kvBindings.filter(({ id }) => id === undefined || id === "");
  if (lacking.length === 0) {
    const count = target.kvBindings.length;
    procedure.record("KV namespaces", "done", count === 0 ? "none are bound" : `${count} bound, all with an id`);
    return;
  }
  for (const { binding } of lacking) {
    await procedure.change(`KV namespace ${binding}`, `make ${target.environment}-${binding}`, async () => {
      const id = await findOrCreate(wrangler, target.environment, binding);
      await writeId(target, binding, id);
      return { evidence: `${target.environment}-${binding}, id ${id}, in ${target.configPath}`, result: undefined };
    });
  }
}

/** wrangler gives the namespace of an environment this title; one that is there from an earlier run is taken. */
async function findOrCreate(wrangler: Wrangler, environment: string, binding: string): Promise<string> {
  const find = async () =>
    (await wrangler.kvNamespaces()).find(({ title }) => title === `${environment}-${binding}`)?.id;
  const found = await find();
  if (found !== undefined) return found;
  await wrangler.createKvNamespace(binding);
  const made = await find();
  if (made === undefined) throw new RunbookError(`KV namespace ${environment}-${binding} was made but is not listed`);
  return made;
}

async function writeId({ configPath, environment }: ReleaseTarget, binding: string, id: string): Promise<void> {
  const text = await readFile(configPath, "utf8");
  const block = new RegExp(
    `(\\[\\[env\\.${environment}\\.kv_namespaces\\]\\]\\s*\\n(?:(?!\\[)[^\\n]*\\n)*?binding = "${binding}"[^\\n]*)(\\nid = ""[^\\n]*)?`,
  );
  if (!block.test(text))
    throw new RunbookError(`${configPath} has no [[env.${environment}.kv_namespaces]] of ${binding}`);
  await writeFile(configPath, text.replace(block, `$1\nid = "${id}"`));
}
