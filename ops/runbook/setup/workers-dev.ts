import { z } from "zod";
import { askCloudflare, CloudflareRefusal } from "../cloudflare-api.ts";
import { RunbookError } from "../runbook-error.ts";
import type { Settings } from "../settings.ts";

/** What Cloudflare answers where the account has chosen no name yet. */
const NO_SUBDOMAIN = 10007;

const subdomainSchema = z.object({ subdomain: z.string() });

/**
 * The host by which Cloudflare serves a worker without a domain.
 *
 * @param headers sign the requests as whom wrangler is signed in
 * @throws RunbookError where Cloudflare cannot be asked, or the account has no such name yet
 */
export async function readWorkersDevHost(
  settings: Settings,
  headers: Readonly<Record<string, string>>,
  scriptName: string,
): Promise<string> {
  try {
    const { subdomain } = subdomainSchema.parse(await askCloudflare(settings, headers, "/workers/subdomain"));
    return `${scriptName}.${subdomain}.workers.dev`;
  } catch (error) {
    if (!(error instanceof CloudflareRefusal && error.code === NO_SUBDOMAIN)) throw error;
    throw new RunbookError(
      "the account has no workers.dev name yet: choose one at https://dash.cloudflare.com/?to=/:account/workers/subdomain, and run setup again",
    );
  }
}
