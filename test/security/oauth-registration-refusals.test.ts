import { describe, expect, it } from "vitest";
import { CALLBACK } from "../support/oauth.ts";
import { send } from "../support/person.ts";

// Each registration that is refused, and the error of RFC 7591 section 3.2.2 that it is told.

describe("a registration is refused", () => {
  const good = { client_name: "Client", redirect_uris: [CALLBACK], token_endpoint_auth_method: "none" };
  it.each<[string, number, string, unknown]>([
    ["that is no JSON", 400, "invalid_request", "{"],
    ["that is a list", 400, "invalid_client_metadata", []],
    ["that is null", 400, "invalid_client_metadata", "null"],
    ["without a redirect", 400, "invalid_client_metadata", { ...good, redirect_uris: undefined }],
    ["with no redirects", 400, "invalid_client_metadata", { ...good, redirect_uris: [] }],
    ["with a redirect that is no list", 400, "invalid_client_metadata", { ...good, redirect_uris: CALLBACK }],
    ["with a script", 400, "invalid_client_metadata", { ...good, redirect_uris: ["javascript:alert(1)"] }],
    ["with data", 400, "invalid_client_metadata", { ...good, redirect_uris: [CALLBACK, "data:text/html,x"] }],
    ["with http to elsewhere", 400, "invalid_client_metadata", { ...good, redirect_uris: ["http://app.example/cb"] }],
    ["with a fragment", 400, "invalid_client_metadata", { ...good, redirect_uris: [`${CALLBACK}#part`] }],
    ["with a user", 400, "invalid_client_metadata", { ...good, redirect_uris: ["https://a:b@app.example/cb"] }],
    ["with a line break", 400, "invalid_client_metadata", { ...good, redirect_uris: ["https://app.example/\ncb"] }],
    ["with a grant that there is not", 400, "invalid_client_metadata", { ...good, grant_types: ["password"] }],
    ["with the implicit grant", 400, "invalid_client_metadata", { ...good, response_types: ["token"] }],
    ["with a name that is no text", 400, "invalid_client_metadata", { ...good, client_name: { a: 1 } }],
    ["with an icon that is a script", 400, "invalid_client_metadata", { ...good, logo_uri: "javascript:alert(1)" }],
    [
      "with another way to be known",
      400,
      "invalid_client_metadata",
      { ...good, token_endpoint_auth_method: "tls_client_auth" },
    ],
    ["of 20 KB", 413, "invalid_request", { ...good, client_name: "x".repeat(20_000) }],
  ])("%s: %i %s", async (_name, status, error, body) => {
    const response = await send("/oauth/register", { method: "POST", body });
    expect([response.status, (await response.json<{ error: unknown }>()).error]).toEqual([status, error]);
  });
});
