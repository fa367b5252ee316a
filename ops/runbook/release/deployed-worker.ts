import type { KeptVersion, Wrangler } from "../wrangler.ts";

/**
 * Whether a version has the worker in it. Secrets that are uploaded before the first release make one that answers
 * nothing, and that has none of the Durable Objects of which the worker had some from the beginning.
 *
 * @param newestTag the newest Durable Object migration of the configuration
 */
export function hasTheWorker({ migrationTag }: KeptVersion, newestTag: string | undefined): boolean {
  return migrationTag !== undefined || newestTag === undefined;
}

/**
 * Whether a version with the worker in it is in force.
 *
 * @param newestTag the newest Durable Object migration of the configuration
 */
export async function isWorkerDeployed(wrangler: Wrangler, newestTag: string | undefined): Promise<boolean> {
  for (const { version_id: id } of (await wrangler.currentDeployment())?.versions ?? []) {
    if (hasTheWorker(await wrangler.version(id), newestTag)) return true;
  }
  return false;
}
