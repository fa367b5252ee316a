import { readFile } from "node:fs/promises";
import type { Procedure } from "../procedure.ts";
import type { ReleaseTarget } from "../release-target.ts";
import { RunbookError } from "../runbook-error.ts";
import type { Wrangler } from "../wrangler.ts";
import { withNamespaceId } from "./configuration-text.ts";
import { replaceConfiguration } from "./replace-configuration.ts";

/**
 * Makes the KV namespaces that the configuration binds and has no id of, and writes their ids into it.
 *
 * @throws RunbookError for an id that the account does not have
 */
export async function setUpNamespaces(target: ReleaseTarget, wrangler: Wrangler, procedure: Procedure): Promise<void> {
  const { kvBindings, configPath } = target;
  if (kvBindings.length === 0) {
    procedure.record("KV namespaces", "done", "none are bound");
    return;
  }
  const lacking = kvBindings.filter(({ id }) => !id);
  await procedure.step("KV namespaces", async () => {
    const known = new Set((await wrangler.kvNamespaces()).map(({ id }) => id));
    const foreign = kvBindings.find(({ id }) => id && !known.has(id));
    if (foreign !== undefined) {
      throw new RunbookError(
        `${foreign.binding} has the id ${foreign.id} in ${configPath}, which this account does not have: delete it there, and run setup again`,
      );
    }
    return { evidence: `${kvBindings.length} bound, ${lacking.length} without an id`, result: undefined };
  });
  for (const { binding } of lacking) {
    const title = titleOf(target, binding);
    await procedure.change(`KV namespace ${binding}`, `make ${title}`, async () => {
      const id = await findOrCreate(wrangler, title);
      await writeId(target, binding, id);
      return { evidence: `${title}, id ${id}, in ${configPath}`, result: undefined };
    });
  }
}

/**
 * What wrangler calls a namespace that it makes itself, where a deploy finds none bound: that one is taken then, with all
 * that clients have left in it. The worker's name keeps it apart from those of other workers of the account.
 */
function titleOf({ scriptName }: Pick<ReleaseTarget, "scriptName">, binding: string): string {
  return `${scriptName}-${binding.toLowerCase().replaceAll("_", "-")}`;
}

async function findOrCreate(wrangler: Wrangler, title: string): Promise<string> {
  const find = async () => (await wrangler.kvNamespaces()).find((namespace) => namespace.title === title)?.id;
  const found = await find();
  if (found !== undefined) return found;
  await wrangler.createKvNamespace(title);
  const made = await find();
  if (made === undefined) throw new RunbookError(`KV namespace ${title} was made but is not listed`);
  return made;
}

async function writeId(target: ReleaseTarget, binding: string, id: string): Promise<void> {
  const text = withNamespaceId(await readFile(target.configPath, "utf8"), target, binding, id);
  await replaceConfiguration(target, text, ({ kvBindings }) => {
    if (kvBindings.some((bound) => bound.binding === binding && bound.id === id)) return;
    throw new RunbookError(`${target.configPath} binds ${binding} twice: set its id to ${JSON.stringify(id)} by hand`);
  });
}
