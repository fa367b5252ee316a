import { z } from "zod";
import { resourceMetadataUrl, resourceOf } from "../../../src/auth/oauth/oauth-offer.ts";
import { type Deployment, parseJson } from "../deployment.ts";
import { RunbookError } from "../runbook-error.ts";
import { answered, expectThat } from "./answered.ts";

const SERVER_METADATA = "/.well-known/oauth-authorization-server";

const serverSchema = z.object({
  issuer: z.url(),
  authorization_endpoint: z.url(),
  token_endpoint: z.url(),
  registration_endpoint: z.url(),
  revocation_endpoint: z.url(),
  code_challenge_methods_supported: z.array(z.string()),
  token_endpoint_auth_methods_supported: z.array(z.string()),
  authorization_response_iss_parameter_supported: z.boolean(),
});
const resourceSchema = z.object({ resource: z.string(), authorization_servers: z.array(z.string()) });
const absenceSchema = z.object({ detail: z.string() });
const oauthErrorSchema = z.object({ error: z.string() });

type ServerMetadata = z.output<typeof serverSchema>;

/**
 * Goes the way by which a client finds out how to sign in, with nothing but the URL: the challenge of `/mcp`, the resource's
 * metadata (RFC 9728), the authorization server's (RFC 8414), and whether its endpoints answer.
 *
 * @param baseUrl what the deployment is configured to be reached by; where it is not known, its own word counts
 * @returns what was seen; of a deployment that has no OAuth, why not
 * @throws RunbookError naming what would stop a client
 */
export async function checkOAuth(deployment: Deployment, baseUrl?: string): Promise<string> {
  const answer = await deployment.send(SERVER_METADATA);
  if (answer.status === 404) {
    return `off in the deployment that answers: ${absenceSchema.safeParse(parseJson(answer.text)).data?.detail ?? "404"}`;
  }
  const server = answered(answer, SERVER_METADATA, 200, serverSchema);
  const { issuer } = server;
  const expected = baseUrl?.replace(/\/+$/, "") ?? issuer;
  expectThat(issuer === expected, `issuer is ${issuer}, and BASE_URL ${expected}`);
  judgeServer(server);
  await judgeResource(deployment, issuer);
  await judgeEndpoints(deployment, server);
  return `${issuer}: challenge, metadata and endpoints lead to one another`;
}

function judgeServer({ issuer, ...server }: ServerMetadata): void {
  for (const [name, url] of Object.entries(server)) {
    if (typeof url !== "string") continue;
    expectThat(url.startsWith(`${issuer}/`), `${name} is ${url}, and not below ${issuer}`);
  }
  expectThat(server.code_challenge_methods_supported.includes("S256"), "PKCE with S256 is not offered");
  expectThat(
    server.token_endpoint_auth_methods_supported.includes("none"),
    "clients without a secret are not let in: token_endpoint_auth_methods_supported lacks none",
  );
  expectThat(server.authorization_response_iss_parameter_supported, "iss is not promised (RFC 9207)");
}

/** Both ways to the resource's metadata, and that it leads to the authorization server. */
async function judgeResource(deployment: Deployment, issuer: string): Promise<void> {
  const { status, headers } = await deployment.send("/mcp", { body: {} });
  const challenge = headers.get("www-authenticate") ?? "";
  const [, named = ""] = /resource_metadata="([^"]*)"/.exec(challenge) ?? [];
  const wanted = resourceMetadataUrl({ BASE_URL: issuer });
  expectThat(status === 401, `/mcp without a token: ${status} and not 401`);
  expectThat(named === wanted, `the challenge of /mcp names ${named || "no metadata"}, and not ${wanted}`);
  const { pathname } = new URL(wanted);
  const metadata = answered(await deployment.send(pathname), pathname, 200, resourceSchema);
  const resource = resourceOf({ BASE_URL: issuer });
  expectThat(metadata.resource === resource, `${pathname} is of ${metadata.resource}, and not of ${resource}`);
  expectThat(
    metadata.authorization_servers.includes(issuer),
    `${pathname} leads to ${metadata.authorization_servers.join(", ") || "no authorization server"}, and not to ${issuer}`,
  );
}

/** What each endpoint says of a request that asks for nothing: it must be there, and must refuse it in OAuth's words. */
async function judgeEndpoints(deployment: Deployment, server: ServerMetadata): Promise<void> {
  for (const endpoint of [server.token_endpoint, server.registration_endpoint, server.revocation_endpoint]) {
    const { pathname } = new URL(endpoint);
    const { status, text } = await deployment.send(pathname, { body: {} });
    const isRefusal = (status === 400 || status === 401) && oauthErrorSchema.safeParse(parseJson(text)).success;
    if (!isRefusal) throw new RunbookError(`POST ${pathname}: ${status} to an empty request, and no error of OAuth`);
  }
  const { pathname } = new URL(server.authorization_endpoint);
  const { status, headers } = await deployment.send(pathname);
  const isPage = headers.get("content-type")?.startsWith("text/html") ?? false;
  expectThat(status === 400 && isPage, `GET ${pathname}: ${status} to an empty request, and not a page that says so`);
}
