import { AsyncLocalStorage } from "node:async_hooks";
import { isDescribed, isPublicHost } from "./client-identifier.ts";

// The OAuth library fetches what strangers name: a client's description of itself, and the keys that it names in it. It does
// so by the global fetch, goes where that is redirected, and looks at no host. So another is put in the place of the global
// fetch, which is careful with what runs in `fetchAsStranger`, and the same as before for all else in this isolate.

/** The hosts that the work at hand may fetch from, where it is for a stranger. */
const strangersHosts = new AsyncLocalStorage<readonly string[] | undefined>();
/** What has been put in the place of the global fetch. */
const careful = new WeakSet<typeof globalThis.fetch>();

/**
 * Does what may fetch URLs that strangers name. Such a fetch fails where its host is not public, and of all answers only one
 * with the status 200 succeeds: a host does not vouch for what is found where it redirects to
 * (draft-ietf-oauth-client-id-metadata-document section 5). Nor does it go to any other host: a client could send us anywhere by
 * naming that for its keys.
 *
 * @param clientIds the clients that may be fetched, each from its own host
 */
export function fetchAsStranger<Result>(clientIds: readonly string[], work: () => Promise<Result>): Promise<Result> {
  replaceFetch();
  const hosts = clientIds.filter(isDescribed).map((clientId) => new URL(clientId).host);
  return strangersHosts.run(hosts, work);
}

/** Does, amid the former, what fetches URLs of our own. */
export function fetchAsOurselves<Result>(work: () => Promise<Result>): Promise<Result> {
  return strangersHosts.run(undefined, work);
}

function replaceFetch(): void {
  const { fetch } = globalThis;
  if (careful.has(fetch)) return;
  const take: typeof fetch = async (input, init) => {
    const hosts = strangersHosts.getStore();
    if (hosts === undefined) return fetch(input, init);
    requireOwnHost(hosts, new URL(new Request(input).url));
    return fetchOnce(fetch, input, init);
  };
  careful.add(take);
  globalThis.fetch = take;
}

function requireOwnHost(hosts: readonly string[], { protocol, hostname, host }: URL): void {
  if (protocol !== "https:" || !isPublicHost(hostname)) throw new Error("Not at a public host");
  if (!hosts.includes(host)) throw new Error("Not at the client's own host");
}

async function fetchOnce(
  fetch: typeof globalThis.fetch,
  input: RequestInfo | URL,
  init: RequestInit | undefined,
): Promise<Response> {
  const response = await fetch(input, { ...init, redirect: "manual" });
  if (!response.ok || response.status === 200) return response;
  await response.body?.cancel();
  throw new Error(`HTTP ${response.status}`);
}
