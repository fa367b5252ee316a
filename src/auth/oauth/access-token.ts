import { createHash } from "node:crypto";
import { type Caller, readAccess } from "../../caller.ts";
import type { Configuration } from "../../config.ts";
import { accessTokenId } from "./grants.ts";
import { askKeyValue, type KeyValue } from "./key-value.ts";
import { libraryFor } from "./library.ts";
import { ACCESS_TOKEN_LIFETIME, resourceOf } from "./oauth-offer.ts";

/**
 * Makes a caller of an OAuth access token, by one look-up in KV. That its grant still counts is for `set_caller` to check.
 *
 * @returns undefined for a token that does not hold: it is not ours, has expired, or is for another resource
 * @throws ApplicationError `unavailable` where KV cannot be reached
 */
export async function verifyAccessToken(
  token: string,
  configuration: Configuration,
  kv: KeyValue,
): Promise<Caller | undefined> {
  const [, user, grantId] = /^([1-9]\d{0,9}):([\w-]{16}):[\w-]{32}$/.exec(token) ?? [];
  if (user === undefined || grantId === undefined) return undefined;
  const store = { get: (key: string) => askKeyValue(kv.get(key, "json")) };
  const valid = await libraryFor(configuration).validateToken(resourceOf(configuration), token, { OAUTH_KV: store });
  if (valid === null) return undefined;
  const { expiresAt, clientId, scope } = valid;
  return {
    userId: Number(user),
    credential: {
      kind: "oauth",
      id: grantId,
      issuedAt: new Date((expiresAt - ACCESS_TOKEN_LIFETIME) * 1000),
      expiresAt: new Date(expiresAt * 1000),
      clientId,
      tokenId: accessTokenId(createHash("sha256").update(token).digest("hex")),
    },
    access: readAccess(scope),
  };
}
