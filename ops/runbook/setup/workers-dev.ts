import { z } from "zod";
import { RunbookError, reasonOf } from "../runbook-error.ts";
import type { Settings } from "../settings.ts";

const CLOUDFLARE_API = "https://api.cloudflare.com/client/v4";
const ANSWER_WITHIN_MILLISECONDS = 20_000;
/** What Cloudflare answers where the account has chosen no name yet. */
const NO_SUBDOMAIN = 10007;

const subdomainSchema = z.object({ subdomain: z.string() });
const accountsSchema = z.array(z.object({ id: z.string() }));
const envelopeSchema = z.object({
  result: z.unknown(),
  errors: z.array(z.object({ code: z.number(), message: z.string() })).default([]),
});

/**
 * The host by which Cloudflare serves a worker without a domain. wrangler has no command that tells it: Cloudflare is
 * asked as wrangler asks.
 *
 * @param headers sign the requests as whom wrangler is signed in
 * @throws RunbookError where Cloudflare cannot be asked, or the account has no such name yet
 */
export async function readWorkersDevHost(
  settings: Settings,
  headers: Readonly<Record<string, string>>,
  scriptName: string,
): Promise<string> {
  const ask = (path: string) =>
    askCloudflare(`${settings.get("CLOUDFLARE_API_BASE_URL") ?? CLOUDFLARE_API}${path}`, headers);
  const account = settings.get("CLOUDFLARE_ACCOUNT_ID") ?? onlyAccount(await ask("/accounts"));
  const { subdomain } = subdomainSchema.parse(await ask(`/accounts/${account}/workers/subdomain`));
  return `${scriptName}.${subdomain}.workers.dev`;
}

function onlyAccount(result: unknown): string {
  const [account, ...others] = accountsSchema.parse(result);
  if (account !== undefined && others.length === 0) return account.id;
  const which = account === undefined ? "the token sees no account" : `there are ${others.length + 1} accounts`;
  throw new RunbookError(`${which}: set CLOUDFLARE_ACCOUNT_ID to the one that is meant`);
}

async function askCloudflare(url: string, headers: Readonly<Record<string, string>>): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(url, { headers, signal: AbortSignal.timeout(ANSWER_WITHIN_MILLISECONDS) });
  } catch (error) {
    throw new RunbookError(`Cloudflare does not answer: ${reasonOf(error)}`, { cause: error });
  }
  const envelope = envelopeSchema.safeParse(await response.json().catch(() => undefined));
  if (!envelope.success) throw new RunbookError(`Cloudflare answered ${response.status} and nothing that can be read`);
  const [error] = envelope.data.errors;
  if (error?.code === NO_SUBDOMAIN) {
    throw new RunbookError(
      "the account has no workers.dev name yet: choose one at https://dash.cloudflare.com/?to=/:account/workers/subdomain, and run setup again",
    );
  }
  if (error !== undefined) throw new RunbookError(`Cloudflare answered: ${error.message} (${error.code})`);
  return envelope.data.result;
}
