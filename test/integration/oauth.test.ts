import { createExecutionContext, env } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import worker from "../../src/worker.ts";
import { CALLBACK, callTool, connect, post, RESOURCE, refresh, tokensOf } from "../support/oauth.ts";
import { ownerQuery } from "../support/owner.ts";
import { ORIGIN, Person, send } from "../support/person.ts";

let person: Person;

beforeAll(async () => {
  person = await Person.signUp();
});

describe("the metadata", () => {
  it.each(["", "/mcp"])("describes the server at /.well-known/oauth-authorization-server%s", async (path) => {
    const response = await send(`/.well-known/oauth-authorization-server${path}`, {
      headers: { Origin: "https://page.example" },
    });

    expect(response.status).toBe(200);
    expect(response.headers.get("Access-Control-Allow-Origin")).toBe("*");
    expect(await response.json()).toMatchObject({
      issuer: "http://127.0.0.1:8787",
      authorization_endpoint: "http://127.0.0.1:8787/authorize",
      token_endpoint: "http://127.0.0.1:8787/oauth/token",
      registration_endpoint: "http://127.0.0.1:8787/oauth/register",
      revocation_endpoint: "http://127.0.0.1:8787/oauth/revoke",
      scopes_supported: ["tasks:read", "tasks:write", "offline_access"],
      response_types_supported: ["code"],
      grant_types_supported: ["authorization_code", "refresh_token"],
      code_challenge_methods_supported: ["S256"],
      token_endpoint_auth_methods_supported: expect.arrayContaining(["none", "client_secret_basic"]),
      authorization_response_iss_parameter_supported: true,
      client_id_metadata_document_supported: true,
    });
  });

  it.each(["", "/mcp"])("describes MCP at /.well-known/oauth-protected-resource%s", async (path) => {
    const response = await send(`/.well-known/oauth-protected-resource${path}`);

    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      resource: RESOURCE,
      authorization_servers: ["http://127.0.0.1:8787"],
      scopes_supported: ["tasks:read", "tasks:write"],
    });
  });
});

describe("a client", () => {
  it("gets tokens for a code, and runs a tool in its person's name", async () => {
    const { tokens } = await connect(person);

    expect(tokens).toMatchObject({ expires_in: 3600, scope: "tasks:read tasks:write", resource: RESOURCE });
    const response = await callTool(tokens.access_token, "create_task", { title: "By OAuth" });
    expect(response.status).toBe(200);
    expect((await person.run("list_tasks", { search: "By OAuth" })).tasks).toHaveLength(1);
    expect(
      await ownerQuery("select client_name, client_host, redirect_host, scopes from oauth_grants where user_id = $1", [
        person.id,
      ]),
    ).toEqual([
      {
        client_name: "Test client",
        client_host: null,
        redirect_host: new URL(CALLBACK).hostname,
        scopes: ["tasks:read", "tasks:write"],
      },
    ]);
  });

  it("refreshes, and is the same person's", async () => {
    const { clientId, tokens } = await connect(person);

    const next = await tokensOf(await refresh(clientId, tokens.refresh_token));

    expect(next.refresh_token).not.toBe(tokens.refresh_token);
    expect((await callTool(next.access_token, "list_tasks")).status).toBe(200);
  });

  it("that signs in again keeps its other sessions", async () => {
    const { clientId, tokens } = await connect(person);

    const again = await connect(person, {}, clientId);

    for (const { access_token: token } of [tokens, again.tokens]) {
      expect((await callTool(token, "list_tasks")).status).toBe(200);
    }
    await tokensOf(await refresh(clientId, tokens.refresh_token));
  });

  it("stays signed in where every secret of the server is another one", async () => {
    const { clientId, tokens } = await connect(person);
    const renewed = "another secret, as after a rotation without the one before";
    const changed = { ...env, JWT_SECRET: renewed, TOKEN_SECRET: renewed };
    const ask = (path: string, init: RequestInit) =>
      worker.fetch(new Request(new URL(path, ORIGIN), init), changed, createExecutionContext());
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      refresh_token: tokens.refresh_token,
      client_id: clientId,
    });

    const next = await tokensOf(await ask("/oauth/token", { method: "POST", body: form }));
    const called = await ask("/mcp/tools/list_tasks", {
      method: "POST",
      body: "{}",
      headers: { Authorization: `Bearer ${next.access_token}`, "Content-Type": "application/json" },
    });

    expect(called.status).toBe(200);
  });

  it("in a page of any origin may ask, once it has asked whether it may", async () => {
    for (const path of [
      "/oauth/token",
      "/oauth/register",
      "/oauth/revoke",
      "/.well-known/oauth-protected-resource/mcp",
    ]) {
      const response = await send(path, {
        method: "OPTIONS",
        headers: {
          Origin: "https://page.example",
          "Access-Control-Request-Method": "POST",
          "Access-Control-Request-Headers": "content-type",
        },
      });
      expect([response.status, response.headers.get("Access-Control-Allow-Origin")]).toEqual([204, "*"]);
      expect(response.headers.get("Access-Control-Allow-Credentials")).toBeNull();
    }
  });

  it("is cut off at the next call where it ends its grant", async () => {
    const { clientId, tokens } = await connect(person);

    expect((await post("/oauth/revoke", { token: tokens.refresh_token, client_id: clientId })).status).toBe(200);

    expect((await callTool(tokens.access_token, "list_tasks")).status).toBe(401);
    const refused = await refresh(clientId, tokens.refresh_token);
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ error: "invalid_grant" });
  });
});
