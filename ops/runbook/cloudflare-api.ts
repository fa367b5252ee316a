import { z } from "zod";
import { RunbookError, reasonOf } from "./runbook-error.ts";
import type { Settings } from "./settings.ts";

const CLOUDFLARE_API = "https://api.cloudflare.com/client/v4";
const ANSWER_WITHIN_MILLISECONDS = 20_000;

const accountsSchema = z.array(z.object({ id: z.string() }));
const envelopeSchema = z.object({
  result: z.unknown(),
  errors: z.array(z.object({ code: z.number(), message: z.string() })).default([]),
});

/** Cloudflare said no. */
export class CloudflareRefusal extends RunbookError {
  override readonly name = "CloudflareRefusal";
  readonly code: number;

  constructor(code: number, message: string) {
    super(`Cloudflare answered: ${message} (${code})`);
    this.code = code;
  }
}

/**
 * Asks Cloudflare what no command of wrangler tells, as wrangler asks.
 *
 * @param headers sign the requests as whom wrangler is signed in
 * @param path below the operator's account
 * @throws CloudflareRefusal, or RunbookError where it cannot be asked
 */
export async function askCloudflare(
  settings: Settings,
  headers: Readonly<Record<string, string>>,
  path: string,
): Promise<unknown> {
  const ask = (path: string) => askApi(`${settings.get("CLOUDFLARE_API_BASE_URL") ?? CLOUDFLARE_API}${path}`, headers);
  const account = settings.get("CLOUDFLARE_ACCOUNT_ID") ?? onlyAccount(await ask("/accounts"));
  return ask(`/accounts/${account}${path}`);
}

function onlyAccount(result: unknown): string {
  const [account, ...others] = accountsSchema.parse(result);
  if (account !== undefined && others.length === 0) return account.id;
  const which = account === undefined ? "the token sees no account" : `there are ${others.length + 1} accounts`;
  throw new RunbookError(`${which}: set CLOUDFLARE_ACCOUNT_ID to the one that is meant`);
}

async function askApi(url: string, headers: Readonly<Record<string, string>>): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(url, { headers, signal: AbortSignal.timeout(ANSWER_WITHIN_MILLISECONDS) });
  } catch (error) {
    throw new RunbookError(`Cloudflare does not answer: ${reasonOf(error)}`, { cause: error });
  }
  const envelope = envelopeSchema.safeParse(await response.json().catch(() => undefined));
  if (!envelope.success) throw new RunbookError(`Cloudflare answered ${response.status} and nothing that can be read`);
  const [error] = envelope.data.errors;
  if (error !== undefined) throw new CloudflareRefusal(error.code, error.message);
  return envelope.data.result;
}
