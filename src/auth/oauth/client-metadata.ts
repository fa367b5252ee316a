import { OAuthError } from "@cloudflare/workers-oauth-provider";
import { isObject } from "../../json.ts";
import { hasCallableScheme } from "./redirect-scheme.ts";

/** Lists of which a client names all that it could do, whichever server it is for, and what there is of them here. */
const REGISTRABLE: Readonly<Record<string, readonly string[]>> = {
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
};

/**
 * What a client sends to register, without what the library would refuse it for although it can do without: a value that is
 * empty or null, as absent (RFC 7591 section 2), and grants and response types that are not to be had here, which a server
 * may leave out (section 3.2.1). A client that names nothing else is refused by the library.
 *
 * @throws OAuthError where it names a redirect URI that no app can be called back by
 */
export function registrableMetadata(metadata: unknown): unknown {
  if (!isObject(metadata)) return metadata;
  requireCallable(metadata.redirect_uris);
  return Object.fromEntries(
    Object.entries(metadata)
      .filter(([, value]) => value !== null && value !== "")
      .map(([name, value]) => [name, registrable(value, REGISTRABLE[name])]),
  );
}

function registrable(value: unknown, known: readonly string[] | undefined): unknown {
  if (known === undefined || !Array.isArray(value)) return value;
  const kept = value.filter((item) => known.includes(item));
  return kept.length > 0 ? kept : value;
}

function requireCallable(redirectUris: unknown): void {
  if (!Array.isArray(redirectUris)) return;
  if (redirectUris.every((uri) => typeof uri !== "string" || hasCallableScheme(uri))) return;
  throw new OAuthError("invalid_redirect_uri", {
    description:
      "redirect_uris must be of https, of http to this device, or of a scheme of the app's own, such as com.example.app",
    internal: { category: "client-registration", reason: "redirect_scheme_reserved" },
  });
}
