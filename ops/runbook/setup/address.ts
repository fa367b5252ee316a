import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { RunbookContext } from "../context.ts";
import type { Procedure } from "../procedure.ts";
import { isPlaceholder, type ReleaseTarget, refusePlaceholder } from "../release-target.ts";
import { RunbookError, UsageError } from "../runbook-error.ts";
import { type Address, withAddress } from "./configuration-text.ts";
import { replaceConfiguration } from "./replace-configuration.ts";
import { readWorkersDevHost } from "./workers-dev.ts";

/** Where people are to reach the worker, as the arguments say it. */
interface AddressValues {
  readonly domain?: string | undefined;
  readonly "workers-dev"?: boolean | undefined;
}

const hostSchema = z.hostname().regex(/^(?!.*\d$)[^.]+(?:\.[^.]+)+$/);

/** Looks at the arguments before anything is done. @throws UsageError naming the flag */
export function checkAddressValues({ domain, "workers-dev": workersDev = false }: AddressValues): void {
  if (domain === undefined) return;
  if (workersDev) throw new UsageError("--domain and --workers-dev are two addresses: give one");
  const host = hostSchema.safeParse(domain);
  if (!host.success || isPlaceholder(domain)) {
    throw new UsageError(`--domain must be a host of yours such as api.example.com, not ${JSON.stringify(domain)}`);
  }
  if (host.data.endsWith(".workers.dev")) {
    throw new UsageError(`--domain must be a host of yours: for ${domain} give --workers-dev`);
  }
}

/**
 * Writes where the worker is reached into the configuration, and leaves alone what is right already.
 *
 * @returns the environment as it is configured then; in a dry run as it would be reached
 * @throws RunbookError where no address is given and the example's still stands there
 */
export async function setUpAddress(
  { target, settings, wrangler }: RunbookContext,
  procedure: Procedure,
  values: AddressValues,
): Promise<ReleaseTarget> {
  const address = await chooseAddress(values, () =>
    procedure.waitFor("the account's workers.dev name", async () =>
      readWorkersDevHost(settings, await wrangler.credentials(), target.scriptName),
    ),
  );
  if (address === undefined) {
    await procedure.step("address", async () => {
      refusePlaceholder(target);
      return { evidence: `${target.baseUrl}, as ${target.configPath} has it`, result: undefined };
    });
    return target;
  }
  const text = await readFile(target.configPath, "utf8");
  const changed = withAddress(text, target, address);
  const baseUrl = `https://${address.host}`;
  if (changed.text === text) {
    procedure.record("address", "done", `${baseUrl}, as ${target.configPath} has it`);
    return target;
  }
  const written = `in ${target.configPath}: ${changed.lines.join("; ")}`;
  let replaced: ReleaseTarget = { ...target, baseUrl };
  await procedure.change("address", written, async () => {
    replaced = await replaceConfiguration(target, changed.text, (read) => {
      if (read.baseUrl === baseUrl) return;
      throw new RunbookError(`${target.configPath} has a second BASE_URL: put ${baseUrl} into it`);
    });
    return { evidence: written, result: undefined };
  });
  return replaced;
}

async function chooseAddress(
  { domain, "workers-dev": workersDev = false }: AddressValues,
  readHost: () => Promise<string>,
): Promise<Address | undefined> {
  if (domain !== undefined) return { host: domain.toLowerCase(), isWorkersDev: false };
  return workersDev ? { host: await readHost(), isWorkersDev: true } : undefined;
}
