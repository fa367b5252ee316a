import { AsyncLocalStorage } from "node:async_hooks";
import { isPublicHost } from "./client-identifier.ts";

// The OAuth library fetches what strangers name: a client's description of itself, and the keys that it names in it. It does
// so by the global fetch, goes where that is redirected, and looks at no host. So another is put in the place of the global
// fetch, which is careful with what runs in `fetchAsStranger`, and the same as before for all else in this isolate.

/** Whether the request at hand fetches for a stranger. */
const forStranger = new AsyncLocalStorage<boolean>();
/** What has been put in the place of the global fetch. */
const careful = new WeakSet<typeof globalThis.fetch>();

/**
 * Does what may fetch URLs that strangers name. Such a fetch fails where its host is not public, and of all answers only one
 * with the status 200 succeeds: a host does not vouch for what is found where it redirects to
 * (draft-ietf-oauth-client-id-metadata-document section 5).
 */
export function fetchAsStranger<Result>(work: () => Promise<Result>): Promise<Result> {
  replaceFetch();
  return forStranger.run(true, work);
}

/** Does, amid the former, what fetches URLs of our own. */
export function fetchAsOurselves<Result>(work: () => Promise<Result>): Promise<Result> {
  return forStranger.run(false, work);
}

function replaceFetch(): void {
  const { fetch } = globalThis;
  if (careful.has(fetch)) return;
  const take: typeof fetch = (input, init) => {
    return forStranger.getStore() === true ? fetchOnce(fetch, input, init) : fetch(input, init);
  };
  careful.add(take);
  globalThis.fetch = take;
}

async function fetchOnce(
  fetch: typeof globalThis.fetch,
  input: RequestInfo | URL,
  init: RequestInit | undefined,
): Promise<Response> {
  const { protocol, hostname } = new URL(new Request(input).url);
  if (protocol !== "https:" || !isPublicHost(hostname)) throw new Error("Not at a public host");
  const response = await fetch(input, { ...init, redirect: "manual" });
  if (!response.ok || response.status === 200) return response;
  await response.body?.cancel();
  throw new Error(`HTTP ${response.status}`);
}
