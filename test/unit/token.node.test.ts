import { describe, expect, it } from "vitest";
import { issueToken, verifyToken } from "../../src/auth/token.ts";

const secret = "the newer secret, 32 characters and more";
const previousSecret = "the older secret, 32 characters and more";
const issuer = "https://api.example.com";

describe("rotating the secret", () => {
  it("goes on taking tokens of the previous secret while there is one", async () => {
    const { token, caller } = await issueToken(7, 600, { secret: previousSecret, issuer });

    expect(await verifyToken(token, { secret, previousSecret, issuer })).toEqual(caller);
    expect(await verifyToken(token, { secret, issuer })).toBeUndefined();
  });

  it("issues tokens with the new secret", async () => {
    const { token, caller } = await issueToken(7, 600, { secret, previousSecret, issuer });

    expect(await verifyToken(token, { secret, issuer })).toEqual(caller);
  });
});

it("gives every token an id of its own and a lifetime in seconds", async () => {
  const first = await issueToken(7, 600, { secret, issuer });
  const second = await issueToken(7, 600, { secret, issuer });

  expect(first.caller.tokenId).not.toBe(second.caller.tokenId);
  const lifetime = first.caller.tokenExpiresAt.getTime() - first.caller.tokenIssuedAt.getTime();
  expect(lifetime).toBeGreaterThan(598_900);
  expect(lifetime).toBeLessThanOrEqual(600_000);
});
