import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { convertV4MiniflareOptions, Miniflare, NoOpLog } from "miniflare";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { z } from "zod";
import { modulesOf } from "../../local/worker-bundle.ts";
import { bundle, MAIN_MODULE } from "../../ops/bundle/bundle.ts";
import { bundleText } from "../support/bundle-text.ts";
import { PATIENCE } from "../support/patience.ts";
import { sentryDsn } from "../support/sentry-sink.ts";

// Libraries of which the bundle has parts, in workerd: what they do must be what they do whole.

const ISSUER = "https://tasks.example";
const RESOURCE = `${ISSUER}/mcp`;
const BACK = "https://client.example/back";
const VERIFIER = "what-the-client-alone-knows-of-43-characters-at-least";
const SENTRY_PROJECT = 8201;

const ENTRY = `import { OAuthAuthorizationServer } from ${JSON.stringify(fileURLToPath(import.meta.resolve("@cloudflare/workers-oauth-provider")))};
import { sendEvent } from ${JSON.stringify(join(import.meta.dirname, "../../src/observability/sentry-event.ts"))};

const server = new OAuthAuthorizationServer({
  issuer: ${JSON.stringify(ISSUER)},
  clientRegistrationEndpoint: "/oauth/register",
  resources: [${JSON.stringify(RESOURCE)}],
  scopesSupported: ["tasks:read"],
  onError: () => undefined,
});

export default {
  async fetch(request, env, context) {
    const url = new URL(request.url);
    switch (url.pathname) {
      case "/authorize": {
        const library = server.getOAuthApi(env);
        const asked = await library.parseAuthRequest(request);
        const grant = { request: asked, userId: "1", scope: asked.scope, metadata: {}, props: { name: "Ada" } };
        return new Response((await library.completeAuthorization(grant)).redirectTo);
      }
      case "/token-of": {
        return Response.json(await server.validateToken(${JSON.stringify(RESOURCE)}, url.searchParams.get("token"), env));
      }
      case "/error": {
        const settings = { dsn: url.searchParams.get("dsn"), environment: "production", version: "1" };
        const waitUntil = (promise) => context.waitUntil(promise);
        sendEvent(new TypeError("secret"), { kind: "internal" }, { ...settings, waitUntil });
        return new Response();
      }
    }
    return server.fetch(request, env, context);
  },
};`;

const registrationSchema = z.object({ client_id: z.string() });
const tokensSchema = z.looseObject({ access_token: z.string(), refresh_token: z.string() });

let directory: string;
let miniflare: Miniflare;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "bundled-libraries-"));
  const entry = join(directory, "entry.ts");
  await writeFile(entry, ENTRY);
  const workers = ["bundled", "whole"].map(async (name) => {
    await bundle({ entry, directory: join(directory, name), hasWholePackages: name === "whole" });
    return {
      ...{ name, ...modulesOf(join(directory, name, MAIN_MODULE)) },
      ...{ compatibilityDate: "2026-01-01", compatibilityFlags: ["nodejs_compat"], kvNamespaces: ["OAUTH_KV"] },
    };
  });
  miniflare = new Miniflare(
    convertV4MiniflareOptions({ cf: false, log: new NoOpLog(), workers: await Promise.all(workers) }),
  );
});

afterAll(async () => {
  await miniflare?.dispose();
  await rm(directory, { recursive: true });
});

async function post(name: string, path: string, type: string, body: string) {
  const worker = await miniflare.getWorker(name);
  const response = await worker.fetch(ISSUER + path, { method: "POST", headers: { "Content-Type": type }, body });
  return { status: response.status, body: await response.text() };
}

function askForToken(name: string, fields: Record<string, string>) {
  return post(name, "/oauth/token", "application/x-www-form-urlencoded", new URLSearchParams(fields).toString());
}

async function get(name: string, path: string, fields: Record<string, string>) {
  const worker = await miniflare.getWorker(name);
  return (await worker.fetch(`${ISSUER}${path}?${new URLSearchParams(fields)}`)).text();
}

async function register(name: string): Promise<string> {
  const metadata = { redirect_uris: [BACK], token_endpoint_auth_method: "none", client_name: "A client" };
  const { status, body } = await post(name, "/oauth/register", "application/json", JSON.stringify(metadata));
  expect(status, body).toBe(201);
  return registrationSchema.parse(JSON.parse(body)).client_id;
}

describe("the OAuth library", () => {
  it.each([
    ["authorization_code", "invalid_request"],
    ["refresh_token", "invalid_request"],
    // RFC 8693, RFC 7523 and RFC 6749 section 4.4.
    ["urn:ietf:params:oauth:grant-type:token-exchange", "unsupported_grant_type"],
    ["urn:ietf:params:oauth:grant-type:jwt-bearer", "unsupported_grant_type"],
    ["client_credentials", "unsupported_grant_type"],
  ])("refuses a bare request for a grant of the type %s as it does whole", async (type, error) => {
    const answers = [];
    for (const name of ["bundled", "whole"]) {
      answers.push(await askForToken(name, { grant_type: type, client_id: await register(name) }));
    }
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]?.status).toBe(400);
    expect(answers[0]?.body).toContain(`"error":"${error}"`);
  });

  it("issues, refreshes and revokes tokens as it does whole", async () => {
    const stories = [];
    for (const name of ["bundled", "whole"]) {
      const client_id = await register(name);
      const redirected = await get(name, "/authorize", {
        ...{ client_id, response_type: "code", redirect_uri: BACK, scope: "tasks:read", state: "a-state" },
        ...{ resource: RESOURCE, code_challenge_method: "S256" },
        code_challenge: createHash("sha256").update(VERIFIER).digest("base64url"),
      });
      const code = new URL(redirected).searchParams.get("code") ?? "";
      const exchange = {
        grant_type: "authorization_code",
        client_id,
        code,
        redirect_uri: BACK,
        code_verifier: VERIFIER,
      };
      const first = await askForToken(name, { ...exchange, resource: RESOURCE });
      const tokens = tokensSchema.parse(JSON.parse(first.body));
      const before = await get(name, "/token-of", { token: tokens.access_token });
      const again = { grant_type: "refresh_token", client_id, refresh_token: tokens.refresh_token };
      const second = await askForToken(name, again);
      const { access_token, refresh_token } = tokensSchema.parse(JSON.parse(second.body));
      const revoked = await askForToken(name, { client_id, token: refresh_token });
      const after = await get(name, "/token-of", { token: access_token });
      const reused = await askForToken(name, { ...exchange, resource: RESOURCE });
      stories.push(
        [redirected, first, before, second, revoked, after, reused].map((step) =>
          JSON.stringify(step)
            .replaceAll(/1(?::|%3A)[\w-]+(?::|%3A)[\w-]+/g, "TOKEN")
            .replaceAll(client_id, "CLIENT")
            .replaceAll(/expires(\w*\W+)\d+/g, "expires$1N"),
        ),
      );
      expect(before).toContain('"name":"Ada"');
      expect({ first: first.status, second: second.status, revoked: revoked.status, after }).toEqual({
        ...{ first: 200, second: 200, revoked: 200, after: "null" },
      });
    }
    expect(stories[0]).toEqual(stories[1]);
  });

  it("is in the bundle without what answers other grants", async () => {
    const others = ["subject_token is required", "oauth-id-jag"];
    const [texts, whole] = await Promise.all(["bundled", "whole"].map((name) => bundleText(join(directory, name))));
    expect(others.filter((text) => whole?.includes(text))).toEqual(others);
    expect(others.filter((text) => texts?.includes(text))).toEqual([]);
  });
});

it("sends an error to Sentry", async () => {
  const sink = inject("sentrySinkUrl");
  await get("bundled", "/error", { dsn: sentryDsn(sink, SENTRY_PROJECT) });
  const envelopes = async () => (await fetch(`${sink}/${SENTRY_PROJECT}`)).text();
  await expect.poll(envelopes, { timeout: PATIENCE }).toContain("TypeError");
});
