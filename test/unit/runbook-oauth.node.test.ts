import { createServer } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { listenOnLoopback } from "../../local/loopback-server.ts";
import { Deployment } from "../../ops/runbook/deployment.ts";
import { checkOAuthSwitch } from "../../ops/runbook/preflight/oauth-checks.ts";
import { checkOAuth } from "../../ops/runbook/smoke/oauth-checks.ts";

describe("what a client finds from outside", () => {
  const BASE_URL = "https://api.tasks.example";
  let close = async (): Promise<void> => undefined;
  afterEach(() => close());

  const server = {
    issuer: BASE_URL,
    authorization_endpoint: `${BASE_URL}/authorize`,
    token_endpoint: `${BASE_URL}/oauth/token`,
    registration_endpoint: `${BASE_URL}/oauth/register`,
    revocation_endpoint: `${BASE_URL}/oauth/revoke`,
    code_challenge_methods_supported: ["S256"],
    token_endpoint_auth_methods_supported: ["none"],
    authorization_response_iss_parameter_supported: true,
  };
  const resource = { resource: `${BASE_URL}/mcp`, authorization_servers: [BASE_URL] };
  const good = {
    "/.well-known/oauth-authorization-server": { status: 200, body: server },
    "/.well-known/oauth-protected-resource/mcp": { status: 200, body: resource },
    "/mcp": {
      status: 401,
      body: {},
      headers: {
        "WWW-Authenticate": `Bearer realm="x", resource_metadata="${BASE_URL}/.well-known/oauth-protected-resource/mcp"`,
      },
    },
    "/authorize": { status: 400, body: {}, headers: { "Content-Type": "text/html; charset=utf-8" } },
    "/oauth/token": { status: 400, body: { error: "invalid_request" } },
    "/oauth/register": { status: 400, body: { error: "invalid_client_metadata" } },
    "/oauth/revoke": { status: 401, body: { error: "invalid_client" } },
  };
  type Answers = Readonly<Record<string, { status: number; body: unknown; headers?: Record<string, string> }>>;

  async function deploymentWith(answers: Answers): Promise<Deployment> {
    const listening = await listenOnLoopback(
      createServer((request, response) => {
        const { status, body, headers = {} } = answers[request.url ?? ""] ?? { status: 404, body: {} };
        response.writeHead(status, headers).end(JSON.stringify(body));
      }),
    );
    close = () => listening.close();
    return new Deployment(listening.url, "worker");
  }

  it("is ticked where one thing leads to the next, whatever slash ends BASE_URL", async () => {
    const evidence = `${BASE_URL}: challenge, metadata and endpoints lead to one another`;
    expect(await checkOAuth(await deploymentWith(good), `${BASE_URL}/`)).toBe(evidence);
  });

  it("is said to be off where the server says so", async () => {
    const body = { detail: "This server has no OAuth, as SCOPED_CREDENTIALS is off." };
    const off = await deploymentWith({ "/.well-known/oauth-authorization-server": { status: 404, body } });
    expect(await checkOAuth(off, BASE_URL)).toBe(`off in the deployment that answers: ${body.detail}`);
  });

  const metadata = (changes: object) => ({
    "/.well-known/oauth-authorization-server": { status: 200, body: { ...server, ...changes } },
  });
  const ofResource = (changes: object) => ({
    "/.well-known/oauth-protected-resource/mcp": { status: 200, body: { ...resource, ...changes } },
  });
  it.each<[string, Answers, RegExp]>([
    ["another issuer", metadata({ issuer: "https://a.example" }), /^issuer is https:\/\/a\.example, and BASE_URL /],
    [
      "an endpoint elsewhere",
      metadata({ token_endpoint: "https://a.example/t" }),
      /^token_endpoint is .*, and not below/,
    ],
    ["plain PKCE alone", metadata({ code_challenge_methods_supported: ["plain"] }), /^PKCE with S256 is not offered/],
    ["no public clients", metadata({ token_endpoint_auth_methods_supported: ["x"] }), /lacks none$/],
    ["no iss", metadata({ authorization_response_iss_parameter_supported: false }), /^iss is not promised/],
    ["no registration", metadata({ registration_endpoint: undefined }), /an answer of another shape/],
    [
      "metadata that fails",
      { "/.well-known/oauth-authorization-server": { status: 500, body: {} } },
      /: 500 and not 200/,
    ],
    [
      "a challenge without metadata",
      { "/mcp": { status: 401, body: {} } },
      /^the challenge of \/mcp names no metadata/,
    ],
    ["an open /mcp", { "/mcp": { status: 200, body: {} } }, /^\/mcp without a token: 200 and not 401/],
    ["another resource", ofResource({ resource: BASE_URL }), /\/mcp is of https:\/\/api\.tasks\.example, and not of/],
    [
      "another authorization server",
      ofResource({ authorization_servers: [] }),
      /leads to no authorization server, and/,
    ],
    [
      "no token endpoint",
      { "/oauth/token": { status: 404, body: {} } },
      /^POST \/oauth\/token: 404 to an empty request/,
    ],
    ["a page that fails", { "/authorize": { status: 500, body: {} } }, /^GET \/authorize: 500 to an empty request/],
  ])("is not ticked with %s", async (_, changes, message) => {
    await expect(checkOAuth(await deploymentWith({ ...good, ...changes }), BASE_URL)).rejects.toThrow(message);
  });
});

describe("preflight says of OAuth in what is released", () => {
  const id = "a".repeat(32);
  const released = {
    environment: "production",
    configPath: "wrangler.toml",
    scriptName: "worker",
    baseUrl: "https://api.tasks.example",
    variables: { SCOPED_CREDENTIALS: "on" },
    migrationTag: undefined,
    crons: undefined,
    kvBindings: [{ binding: "OAUTH_KV", id }],
    rateLimits: [],
    isObserved: true,
    hidesQueries: true,
  } as const;

  const check = (changes: object) => checkOAuthSwitch({ target: { ...released, ...changes } });

  it.each([
    ["on", {}, `SCOPED_CREDENTIALS is on, OAUTH_KV is ${id}`],
    ["on by default", { variables: {} }, `SCOPED_CREDENTIALS is on, OAUTH_KV is ${id}`],
    [
      "off",
      { variables: { SCOPED_CREDENTIALS: "off" } },
      "SCOPED_CREDENTIALS is off: OAuth clients and personal tokens",
    ],
    ["without a namespace", { kvBindings: [] }, "off: no KV namespace is bound as OAUTH_KV"],
  ])("%s", async (_, changes, evidence) => {
    const finding = await check(changes);
    expect(finding).toEqual({ status: "done", evidence: expect.stringContaining(evidence) });
  });

  it.each([
    ["no id", { kvBindings: [{ binding: "OAUTH_KV", id: "" }] }, "OAUTH_KV has no id in wrangler.toml: run setup"],
    ["a path", { baseUrl: "https://a.example/tasks" }, "BASE_URL must be an https origin for OAuth"],
  ])("what is amiss: %s", async (_, changes, message) => {
    await expect(check(changes)).rejects.toThrow(message);
  });
});
