import { createHash } from "node:crypto";
import type {
  ApprovedConsent,
  AuthRequest,
  ConsentDescription,
  ConsentTransaction,
  DeniedConsent,
  OAuthHelpers,
} from "@cloudflare/workers-oauth-provider";
import type * as z from "zod";
import type { Configuration } from "../../config.ts";
import type { Database } from "../../database/database.ts";
import { ApplicationError } from "../../errors.ts";
import { beginningOf } from "../../excerpt.ts";
import type { Logger } from "../../observability/log.ts";
import { withoutUnseen } from "../../quote.ts";
import { completeRequest, readAuthorizationRequest } from "./authorization-request.ts";
import { isDescribed } from "./client-identifier.ts";
import type { KeyValue } from "./key-value.ts";
import { guardLibrary, libraryFor } from "./library.ts";
import { whyNoOAuth } from "./oauth-offer.ts";
import { type grantDetailsSchema, OAuthStore, type StoreUse } from "./oauth-store.ts";

/** What the authorization server works with, for one request. */
export interface AuthorizationServices {
  readonly configuration: Configuration;
  readonly env: Env;
  readonly database: Database;
  readonly log: Logger;
}

/** A person's yes. */
export interface Allowance {
  /** As `approveConsent` gives it. */
  readonly request: AuthRequest;
  /** What the person allows: not more than was asked for may be offered to them. */
  readonly scope: readonly string[];
  readonly userId: number;
  /** When they have given their password: a sign-out everywhere that is later makes it void. */
  readonly signedInAt: Date;
}

/** The longest name of a client that a person is shown, and a host. */
const LONGEST_NAME = 100;
const LONGEST_HOST = 300;

/**
 * Opens the authorization server for one request.
 *
 * @throws ApplicationError `not_found` where this server has no OAuth, saying why
 */
export function openAuthorizationServer(services: AuthorizationServices): AuthorizationServer {
  const reason = whyNoOAuth(services);
  if (reason === undefined) return new AuthorizationServer(services);
  throw new ApplicationError(
    "not_found",
    `This server has no OAuth, as ${reason}. Sign in by POST /api/auth/signin for a bearer token.`,
  );
}

/**
 * The authorization server of OAuth 2.1, by Cloudflare's library on our own store: the protocol's endpoints, and what a
 * consent page needs. Each method throws ApplicationError `unavailable` where what is kept cannot be reached.
 */
export class AuthorizationServer {
  readonly #services: AuthorizationServices;
  readonly #kv: KeyValue;

  constructor(services: AuthorizationServices) {
    this.#services = services;
    this.#kv = services.env.OAUTH_KV;
  }

  /**
   * Has the library answer one of its own endpoints: metadata, registration, tokens and revocation.
   *
   * @throws OAuthError for a request that the store refuses
   */
  answer(request: Request, use?: StoreUse): Promise<Response> {
    return this.#answerFrom(this.#openStore(use), request, []);
  }

  /**
   * Has the library answer a request to the token endpoint. To know a client that describes itself at a URL it fetches that
   * URL, and anybody can say that they are that client: so what they present has to count first, and to be that client's.
   *
   * @param presented the code or token that the request brings, empty without one
   * @param clientIds the clients that it says it is from
   * @returns undefined where what is presented counts for nothing, and nobody was asked
   * @throws OAuthError as above
   */
  async answerClient(request: Request, presented: string, clientIds: readonly string[]): Promise<Response | undefined> {
    const store = this.#openStore({ presentedHash: createHash("sha256").update(presented).digest("hex") });
    const described = clientIds.filter(isDescribed);
    const holder = described.length > 0 ? await store.findHolder(presented) : undefined;
    return described.some((clientId) => clientId !== holder) ? undefined : this.#answerFrom(store, request, described);
  }

  /**
   * Reads an authorization request: who asks for what, and where the answer goes. Everything that is wrong with it is said.
   *
   * @param request its URL counts, whatever host it names
   * @throws AuthorizationError with `redirectTo` where the client may be told by redirecting to it; without, it is told to the
   * person alone. CimdFetchError where the client's description of itself cannot be had
   */
  async parseAuthRequest(request: Request): Promise<AuthRequest> {
    const { configuration } = this.#services;
    const read = readAuthorizationRequest(request.url, configuration);
    const parsed = await this.#ask(read.clientIds, (library) => library.parseAuthRequest(read.request));
    return completeRequest(parsed, read.repeated);
  }

  /**
   * What a person must be shown of a request. The client has chosen every word of it: escape them. Its name is one line of 100
   * characters at most.
   *
   * @throws CimdFetchError as above
   */
  async describeConsent(request: AuthRequest): Promise<ConsentDescription> {
    const description = await this.#ask([request.clientId], (library) => library.describeConsent(request));
    const name = shownName(description.clientName);
    return { ...description, clientName: name === "" ? beginningOf(request.clientId, LONGEST_NAME) : name };
  }

  /** Begins to ask a person: `handle` goes into the form, `headers` go with the page. Both count for ten minutes. */
  beginConsent(request: AuthRequest): Promise<ConsentTransaction> {
    return this.#ask([], (library) => library.beginConsent(request));
  }

  /**
   * Takes a person's yes, once.
   *
   * @param request what the form was sent with: its cookies count
   * @returns also what the form was made for
   * @throws AuthorizationError where the form has expired, was used, or is another browser's
   */
  approveConsent(request: Request, handle: string): Promise<ApprovedConsent> {
    return this.#ask([], (library) => library.approveConsent(request, handle));
  }

  /**
   * Takes a person's no, once.
   *
   * @throws AuthorizationError as above
   */
  denyConsent(request: Request, handle: string): Promise<DeniedConsent> {
    return this.#ask([], (library) => library.denyConsent(request, handle));
  }

  /**
   * Makes a grant and a code for it, which counts for ten minutes.
   *
   * @returns where the browser is to be sent
   * @throws ApplicationError `unauthenticated` where the person has signed out everywhere since, or is gone; AuthorizationError
   * and CimdFetchError as above
   */
  async completeAuthorization({
    request,
    scope,
    userId,
    signedInAt,
  }: Allowance): Promise<{ readonly redirectTo: string }> {
    const { clientName, clientDomain, redirectHost } = await this.describeConsent(request);
    const details: z.input<typeof grantDetailsSchema> = {
      clientName,
      ...(clientDomain !== undefined && { clientHost: beginningOf(clientDomain, LONGEST_HOST) }),
      redirectHost: beginningOf(redirectHost, LONGEST_HOST),
      signedInAt: signedInAt.toISOString(),
    };
    return this.#ask([request.clientId], (library) =>
      library.completeAuthorization({
        request: { ...request, scope: [...scope] },
        userId: String(userId),
        scope: [...scope],
        metadata: details,
        props: {},
        // A person may use a client on several machines.
        revokeExistingGrants: false,
      }),
    );
  }

  #answerFrom(store: OAuthStore, request: Request, clientIds: readonly string[]): Promise<Response> {
    const { configuration, log } = this.#services;
    return guardLibrary({ log, clientIds }, () => libraryFor(configuration).fetch(request, { OAUTH_KV: store }, {}));
  }

  #ask<Answer>(clientIds: readonly string[], work: (library: OAuthHelpers) => Promise<Answer>): Promise<Answer> {
    const { configuration, log } = this.#services;
    return guardLibrary({ log, clientIds }, () =>
      work(libraryFor(configuration).getOAuthApi({ OAUTH_KV: this.#openStore() })),
    );
  }

  #openStore(use?: StoreUse): OAuthStore {
    return new OAuthStore(this.#kv, this.#services.database, use);
  }
}

/** A client's name for itself as one line that hides nothing. */
function shownName(name: string): string {
  const line = withoutUnseen(name.toWellFormed().replace(/\s+/g, " ")).trim();
  return beginningOf(line, LONGEST_NAME);
}
