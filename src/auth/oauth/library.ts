import { AsyncLocalStorage } from "node:async_hooks";
import {
  OAuthAuthorizationServer,
  type OAuthErrorInternal,
  type OAuthHelpers,
  type ValidatedAccessToken,
} from "@cloudflare/workers-oauth-provider";
import type { Configuration } from "../../config.ts";
import type { Logger } from "../../observability/log.ts";
import { fetchAsStranger } from "./foreign-fetch.ts";
import { ACCESS_TOKEN_LIFETIME, OFFERED_SCOPES, resourceOf } from "./oauth-offer.ts";
import type { OAuthStore } from "./oauth-store.ts";

const HOUR = 60 * 60;
const DAY = 24 * HOUR;

/** After how many seconds without a refresh a client has to ask again. */
const IDLE = 180 * DAY;

/** For how long a client is kept, in seconds: with less than half of it left a refresh renews it, so that it outlives its grants. */
const REGISTRATION = 400 * DAY;

/** Why a client's own description of itself cannot be had at the moment, which says nothing of the client. */
const IS_AWAY = /timed out|HTTP (?:429|5\d\d)|internal error|network|connect|dns|lookup|refused|reset|fetch failed/i;

/** What the library is handed for one request; to verify a token it only reads. */
interface LibraryEnvironment {
  readonly OAUTH_KV: Pick<OAuthStore, "get">;
}

/** What we use of the library. */
interface OAuthLibrary {
  /** @param context for the handlers of an application's own, of which we give it none */
  fetch(request: Request, env: LibraryEnvironment, context: object): Promise<Response>;
  getOAuthApi(env: LibraryEnvironment): OAuthHelpers;
  validateToken(resource: string, token: string, env: LibraryEnvironment): Promise<ValidatedAccessToken | null>;
}

const libraries = new WeakMap<Configuration, OAuthLibrary>();
const loggers = new AsyncLocalStorage<Logger>();
/** What `takeWarnings` has put in the place of the console's own. */
const taking = new WeakSet<typeof console.warn>();

/**
 * The library warns on the console, in words of its own and of what made it warn: a client's URL, an error's message. Our
 * lines are JSON and quote nobody, so one takes their place that has the first three words, which are the library's.
 */
function takeWarnings(): void {
  const { warn } = console;
  if (taking.has(warn)) return;
  const take = (...words: unknown[]): void => {
    const log = loggers.getStore();
    if (log === undefined) warn(...words);
    else log.warn("oauth_library_warned", { about: String(words[0]).split(" ", 3).join(" ") });
  };
  taking.add(take);
  console.warn = take;
}

/** The library for a configuration; made once, as it keeps the keys of clients that sign their requests. */
export function libraryFor(configuration: Configuration): OAuthLibrary {
  const known = libraries.get(configuration);
  if (known !== undefined) return known;
  const library: OAuthLibrary = new OAuthAuthorizationServer<LibraryEnvironment>({
    issuer: configuration.BASE_URL,
    clientRegistrationEndpoint: "/oauth/register",
    resources: [resourceOf(configuration)],
    scopesSupported: [...OFFERED_SCOPES],
    accessTokenTTL: ACCESS_TOKEN_LIFETIME,
    refreshTokenTTL: IDLE,
    refreshTokenIdleTTL: IDLE,
    clientRegistrationTTL: REGISTRATION,
    // RFC 8252 section 7.1: Cursor and others are called back by a scheme of their own.
    allowPrivateUseRedirectUris: true,
    clientIdMetadataDocumentEnabled: configuration.CLIENT_DOCUMENTS === "on",
    onError({ code, status, internal }) {
      const { category, detail } = internal;
      const log = loggers.getStore();
      if (log !== undefined) logRefusal(log, { error: code, status }, internal);
      return category === "client-id-metadata-document" && isAway(detail) ? descriptionAway() : undefined;
    },
  });
  libraries.set(configuration, library);
  return library;
}

/** For whom the library is asked. */
interface LibraryUse {
  readonly log: Logger;
  /** The clients that it may have to know, by their own descriptions too. */
  readonly clientIds: readonly string[];
}

/** Does what asks the library: its refusals are logged by this logger, and what it fetches are strangers' URLs. */
export function guardLibrary<Result>({ log, clientIds }: LibraryUse, work: () => Promise<Result>): Promise<Result> {
  takeWarnings();
  return loggers.run(log, () => fetchAsStranger(clientIds, work));
}

/** Logs that a client was refused, by whom of the two of us it may be. */
export function logRefusal(
  log: Logger,
  told: { readonly error: string; readonly status: number },
  why: Pick<OAuthErrorInternal, "category" | "reason"> | undefined,
): void {
  log.info("oauth_refused", { ...told, category: why?.category, reason: why?.reason });
}

function isAway(detail: unknown): boolean {
  return typeof detail === "object" && detail !== null && "message" in detail && IS_AWAY.test(String(detail.message));
}

/** A client that is told `invalid_client` forgets its tokens; this one may try again. */
function descriptionAway(): Response {
  const body = {
    error: "temporarily_unavailable",
    error_description: "The client's metadata document cannot be fetched; try again",
  };
  return Response.json(body, { status: 503, headers: { "Cache-Control": "no-store", "Retry-After": "5" } });
}
