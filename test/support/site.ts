import { env } from "cloudflare:workers";
import { createHmac } from "node:crypto";
import { expect, vi } from "vitest";
import { z } from "zod";
import { readConfiguration } from "../../src/config.ts";
import { send } from "./person.ts";

/** The Better Auth site of the tests, whose secret the worker shares and whose keys it reads. */
export const SITE = "https://site.example";

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

interface SecretOptions {
  readonly secret?: string;
  readonly alg?: "HS256" | "HS512";
  readonly header?: Record<string, unknown>;
}

/** Signs claims with the secret that the site shares, as its `signJWT` does. */
export async function signWithSecret(
  claims: unknown,
  { secret = readConfiguration(env).BETTER_AUTH_SECRET, alg = "HS256", header = {} }: SecretOptions = {},
): Promise<string> {
  const signed = `${encode({ alg, ...header })}.${encode(claims)}`;
  const hash = alg === "HS256" ? "sha256" : "sha512";
  return `${signed}.${createHmac(hash, secret ?? "")
    .update(signed)
    .digest("base64url")}`;
}

const publicKeySchema = z.looseObject({ kty: z.string(), crv: z.string(), x: z.string(), y: z.string().optional() });

const KEY_ALGORITHMS = { EdDSA: { name: "Ed25519" }, ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } };

/** A key of the site's, which it signs with as its JWT plugin does. */
export class SiteSigner {
  readonly kid: string;
  readonly publicKey: z.output<typeof publicKeySchema>;
  readonly #alg: keyof typeof KEY_ALGORITHMS;
  readonly #privateKey: CryptoKey;

  private constructor(
    { kid, alg }: { readonly kid: string; readonly alg: keyof typeof KEY_ALGORITHMS },
    publicKey: z.output<typeof publicKeySchema>,
    privateKey: CryptoKey,
  ) {
    this.kid = kid;
    this.#alg = alg;
    this.publicKey = publicKey;
    this.#privateKey = privateKey;
  }

  static async make(kid: string, alg: keyof typeof KEY_ALGORITHMS = "EdDSA"): Promise<SiteSigner> {
    const pair = z
      .object({ privateKey: z.instanceof(CryptoKey), publicKey: z.instanceof(CryptoKey) })
      .parse(await crypto.subtle.generateKey(KEY_ALGORITHMS[alg], true, ["sign", "verify"]));
    const { kty, crv, x, y } = publicKeySchema.parse(await crypto.subtle.exportKey("jwk", pair.publicKey));
    return new SiteSigner({ kid, alg }, { kty, crv, x, y, kid, alg }, pair.privateKey);
  }

  async sign(claims: unknown, header: Record<string, unknown> = {}): Promise<string> {
    const signed = `${encode({ alg: this.#alg, kid: this.kid, ...header })}.${encode(claims)}`;
    const signature = await crypto.subtle.sign(
      KEY_ALGORITHMS[this.#alg],
      this.#privateKey,
      new TextEncoder().encode(signed),
    );
    return `${signed}.${Buffer.from(signature).toString("base64url")}`;
  }
}

/** The present, as JWTs have it. */
export const seconds = (): number => Math.floor(Date.now() / 1000);

/** What the site keeps of a session in its cookie. */
export type SessionClaims = ReturnType<typeof sessionClaims>;

/** What the site keeps of a session in its cookie. */
export function sessionClaims(userId: string = crypto.randomUUID(), changes: Record<string, unknown> = {}) {
  const now = new Date();
  return {
    session: {
      id: crypto.randomUUID(),
      token: crypto.randomUUID(),
      userId,
      createdAt: now.toISOString(),
      updatedAt: now.toISOString(),
      expiresAt: new Date(now.getTime() + 7 * 24 * 3600 * 1000).toISOString(),
    },
    user: { id: userId, name: "Ada", email: "ada@site.example", emailVerified: true },
    updatedAt: now.getTime(),
    version: "1",
    iat: seconds(),
    exp: seconds() + 300,
    ...changes,
  };
}

/** What the JWT plugin's /token answers with. */
export function userClaims(id: string = crypto.randomUUID(), changes: Record<string, unknown> = {}) {
  return {
    id,
    sub: id,
    name: "Ada",
    email: "ada@site.example",
    iss: SITE,
    aud: SITE,
    iat: seconds(),
    exp: seconds() + 900,
    ...changes,
  };
}

/** The claims of a session as the site signs them with a key, where it has its cookie signed so. */
export function signSessionWith(
  signer: SiteSigner,
  claims: SessionClaims,
  changes: Record<string, unknown> = {},
): Promise<string> {
  return signer.sign(
    {
      ...claims,
      sid: claims.session.token,
      sub: claims.user.id,
      iss: SITE,
      aud: "better-auth:session-cache",
      ...changes,
    },
    { typ: "better-auth.session-cache+jwt" },
  );
}

let keys: Promise<readonly [signer: SiteSigner, curve: SiteSigner]> | undefined;

/**
 * Has the site answer with its public keys, until mocks are restored. Its keys are the same for all files that share an
 * isolate: that keeps keys which it has read.
 *
 * @returns what signs with the first key, and with one whose signatures differ each time
 */
export async function openSite(): Promise<{ readonly signer: SiteSigner; readonly curve: SiteSigner }> {
  keys ??= Promise.all([SiteSigner.make("first"), SiteSigner.make("curve", "ES256")]);
  const [signer, curve] = await keys;
  const { fetch } = globalThis;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) =>
    String(input) === `${SITE}/api/auth/jwks`
      ? Response.json({ keys: [signer.publicKey, curve.publicKey] })
      : fetch(input, init),
  );
  return { signer, curve };
}

/** Asks whose a token of the site's is. */
export function askWhose(token: string): Promise<Response> {
  return send("/api/auth/me", { headers: { Authorization: `Bearer ${token}` } });
}

const meSchema = z.object({
  user: z.object({ id: z.int(), email: z.string(), name: z.string(), time_zone: z.string() }),
});

/** The account that a token of the site's lets in. */
export async function accountOf(token: string): Promise<z.output<typeof meSchema>["user"]> {
  const response = await askWhose(token);
  expect(response.status).toBe(200);
  return meSchema.parse(await response.json()).user;
}
