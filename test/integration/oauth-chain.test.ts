import { exports } from "cloudflare:workers";
import * as oauth from "oauth4webapi";
import { beforeAll, expect, it } from "vitest";
import { allow, authorizationUrl, CALLBACK, callTool, RESOURCE } from "../support/oauth.ts";
import { newAddress, ORIGIN, Person } from "../support/person.ts";

// A client's library that is not ours walks the whole chain: what it checks, no test of ours has to.

const fetchFromWorker = (
  url: string,
  { headers, method, body }: oauth.CustomFetchOptions<string, BodyInit | undefined>,
) =>
  exports.default.fetch(url, { method, headers: { "CF-Connecting-IP": newAddress(), ...headers }, body: body ?? null });
const options = { [oauth.allowInsecureRequests]: true, [oauth.customFetch]: fetchFromWorker };

let person: Person;

beforeAll(async () => {
  person = await Person.signUp();
});

it("finds the server, registers, authorizes, exchanges, refreshes and revokes", async () => {
  // RFC 9728, RFC 8414
  const resource = new URL(RESOURCE);
  const described = await oauth.resourceDiscoveryRequest(resource, options);
  const metadata = await oauth.processResourceDiscoveryResponse(resource, described);
  const issuer = new URL(metadata.authorization_servers?.[0] ?? "");
  expect(issuer.origin).toBe(ORIGIN);
  const discovered = await oauth.discoveryRequest(issuer, { ...options, algorithm: "oauth2" });
  const server = await oauth.processDiscoveryResponse(issuer, discovered);

  // RFC 7591
  const registration = { client_name: "Walker", redirect_uris: [CALLBACK], token_endpoint_auth_method: "none" };
  const registered = await oauth.dynamicClientRegistrationRequest(server, registration, options);
  const client = await oauth.processDynamicClientRegistrationResponse(registered);

  // RFC 6749, RFC 7636, RFC 8707, RFC 9207
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const url = authorizationUrl({
    client_id: client.client_id,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    state,
    resource: RESOURCE,
    scope: "tasks:read tasks:write",
  });
  const callback = oauth.validateAuthResponse(server, client, await allow(person, url), state);
  const exchanged = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    oauth.None(),
    callback,
    CALLBACK,
    verifier,
    options,
  );
  const first = await oauth.processAuthorizationCodeResponse(server, client, exchanged);
  expect(first).toMatchObject({ expires_in: 3600, scope: "tasks:read tasks:write" });
  expect((await callTool(first.access_token, "list_tasks")).status).toBe(200);

  const refreshed = await oauth.refreshTokenGrantRequest(
    server,
    client,
    oauth.None(),
    first.refresh_token ?? "",
    options,
  );
  const next = await oauth.processRefreshTokenResponse(server, client, refreshed);
  expect((await callTool(next.access_token, "list_tasks")).status).toBe(200);

  // RFC 7009
  const revoked = await oauth.revocationRequest(server, client, oauth.None(), next.refresh_token ?? "", options);
  await oauth.processRevocationResponse(revoked);
  expect((await callTool(next.access_token, "list_tasks")).status).toBe(401);
});
