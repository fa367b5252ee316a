import { describe, expect, it } from "vitest";
import { authorizationUrl, CALLBACK, newPkce, register } from "../support/oauth.ts";
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
    ["with a script", 400, "invalid_redirect_uri", { ...good, redirect_uris: ["javascript:alert(1)"] }],
    ["with data", 400, "invalid_redirect_uri", { ...good, redirect_uris: [CALLBACK, "data:text/html,x"] }],
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

describe("an app is called back by no scheme of which browsers or systems have a notion of their own:", () => {
  it.each([
    "about:blank",
    "blob:https://app.example/1",
    "chrome-extension://abc/cb",
    "DATA:text/html,x",
    " file:///etc/passwd",
    "filesystem:https://app.example/1",
    "ftp://app.example/cb",
    "intent://app.example#Intent;end",
    "googlechrome://navigate?url=https://evil.example/",
    "mailto:a@app.example",
    "microsoft-edge:https://evil.example/",
    "ms-settings:cb",
    "tel:112",
    "view-source:https://app.example/cb",
    "vbscript:x",
    "web+app://cb",
    "ws://127.0.0.1:7001/cb",
    "wss://app.example/cb",
  ])("%s", async (redirect_uri) => {
    const response = await send("/oauth/register", {
      method: "POST",
      body: { redirect_uris: [CALLBACK, redirect_uri] },
    });
    expect([response.status, (await response.json<{ error: unknown }>()).error]).toEqual([400, "invalid_redirect_uri"]);
    const { client_id } = await register();
    const asked = authorizationUrl({ client_id, redirect_uri, code_challenge: newPkce().challenge });
    const page = await send(new URL(asked).pathname + new URL(asked).search, { redirect: "manual" });
    expect([page.status, page.headers.get("Location")]).toEqual([400, null]);
  });

  it.each([
    "cursor://anysphere.cursor-mcp/oauth/callback",
    "vscode://vscode.mcp/cb",
    "com.example.app:/cb",
    "chromium-app:/",
  ])("but by one of its own: %s", async (redirect_uri) => {
    expect(await register({ redirect_uris: [redirect_uri] })).toHaveProperty("client_id");
  });
});

it.each(["/oauth/register", "/oauth/token", "/oauth/revoke"])(
  "a GET of %s is told so as OAuth tells it",
  async (path) => {
    const response = await send(path);
    expect([response.status, response.headers.get("Allow")]).toEqual([405, "POST"]);
    expect(response.headers.get("Content-Type")).toMatch(/^application\/json/);
    expect(await response.json()).toEqual({ error: "invalid_request", error_description: "Allowed here: POST." });
  },
);
