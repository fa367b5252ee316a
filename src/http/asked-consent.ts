import {
  AuthorizationError,
  type AuthRequest,
  authorizationErrorRedirect,
  CimdFetchError,
} from "@cloudflare/workers-oauth-provider";
import type { AskingClient } from "../auth/consent/client-facts.tsx";
import { describeDestination } from "../auth/consent/destination.ts";
import { type ConsentLinks, consentLinks } from "../auth/consent/links.ts";
import type { AuthorizationServer } from "../auth/oauth/authorization-server.ts";
import { ApplicationError } from "../errors.ts";

/** A client's request for a person's consent, validated. */
export interface AskedConsent {
  readonly request: AuthRequest;
  readonly client: AskingClient;
  readonly links: ConsentLinks;
}

/** A request whose error goes to the client: its redirect URI has been validated. The message is one for the person. */
export class RedirectedError extends Error {
  override readonly name = "RedirectedError";
  readonly redirectTo: string;

  constructor(redirectTo: string, { description }: AuthorizationError) {
    super(`${description}.`);
    this.redirectTo = redirectTo;
  }
}

/**
 * Whether a browser may be led to a client before its person has said anything (RFC 9700 section 4.11.2): to no site or app
 * that anybody can have registered, as an address of ours would then lead to whatever page they like; the schemes of some
 * browsers open one. A program that listens on this device may be, and a site that publishes the client itself, as it is the
 * one that was named in the address.
 */
export function mayBeLedTo(redirectTo: string, clientId: string | undefined): boolean {
  const { kind } = describeDestination(redirectTo);
  if (kind === "loopback") return true;
  return (
    kind === "site" &&
    clientId?.startsWith("https://") === true &&
    new URL(clientId).hostname === new URL(redirectTo).hostname
  );
}

/**
 * Validates a client's request for consent, and says who the client is.
 *
 * @param url its address, as the server's metadata names it
 * @throws RedirectedError where the client can be told what is wrong; ApplicationError `invalid_input` where nobody but
 * the person can, as it is not known who asks or where they may be answered
 */
export async function readAskedConsent(oauth: AuthorizationServer, url: URL): Promise<AskedConsent> {
  try {
    const request = await oauth.parseAuthRequest(new Request(url));
    const { clientName, clientDomain } = await oauth.describeConsent(request);
    const denial = authorizationErrorRedirect(request, "access_denied");
    return {
      request,
      client: { name: clientName, domain: clientDomain, redirectUri: request.redirectUri },
      links: consentLinks(url.searchParams, denial),
    };
  } catch (error) {
    throw toConsentError(error);
  }
}

/** What a failure of the OAuth library's is here: nothing of ours fails by what a client or a person sends. */
export function toConsentError(error: unknown): unknown {
  if (error instanceof AuthorizationError) {
    if (error.redirectTo !== undefined) return new RedirectedError(error.redirectTo, error);
    return new ApplicationError("invalid_input", `${error.description}.`, { cause: error });
  }
  if (error instanceof CimdFetchError) {
    const message = "The app says at its own address who it is, and that could not be read there.";
    return new ApplicationError("invalid_input", message, { cause: error });
  }
  return error;
}
