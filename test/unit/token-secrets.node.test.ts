import { expect, it } from "vitest";
import { requireTokenSecrets } from "../../src/auth/token-secrets.ts";

const TOKEN_SECRET = "a secret of the tests, 32 characters";

it("are those that are configured", () => {
  const secrets = { TOKEN_SECRET, TOKEN_SECRET_PREVIOUS: undefined };
  expect(requireTokenSecrets("Personal tokens", "unavailable", { ...secrets, SCOPED_CREDENTIALS: "on" })).toEqual(
    secrets,
  );
});

it.each([
  [{ TOKEN_SECRET: undefined, SCOPED_CREDENTIALS: "on" } as const, "TOKEN_SECRET is missing"],
  [{ TOKEN_SECRET, SCOPED_CREDENTIALS: "off" } as const, "SCOPED_CREDENTIALS is off"],
])("are refused with the reason where there are none: %j", (configuration, reason) => {
  expect(() => requireTokenSecrets("Personal tokens", "unauthenticated", configuration)).toThrow(
    expect.objectContaining({
      kind: "unauthenticated",
      message: `Personal tokens are not set up on this server: ${reason}.`,
    }),
  );
});
