import { env } from "cloudflare:workers";
import { createHash, randomBytes } from "node:crypto";
import { z } from "zod";
import { type AuthorizationServer, openAuthorizationServer } from "../../src/auth/oauth/authorization-server.ts";
import type { Configuration } from "../../src/config.ts";
import { openServices } from "../../src/services.ts";
import { ORIGIN, type Person, send } from "./person.ts";

/** What MCP is for the tokens that are issued for it. */
export const RESOURCE = `${ORIGIN}/mcp`;

/** Where the clients of these tests are called back. */
export const CALLBACK = "http://127.0.0.1:7001/callback";

const clientSchema = z.object({ client_id: z.string(), client_secret: z.string().optional() });
const tokensSchema = z.object({
  access_token: z.string(),
  token_type: z.literal("bearer"),
  expires_in: z.int(),
  refresh_token: z.string(),
  scope: z.string(),
  resource: z.string(),
});

export type Tokens = z.output<typeof tokensSchema>;

/** The authorization server as the consent page has it, with variables of its own. */
export function authorizationServer(variables: Partial<Configuration> = {}): AuthorizationServer {
  const services = openServices(env, () => undefined, {});
  return openAuthorizationServer({ ...services, configuration: { ...services.configuration, ...variables }, env });
}

/** Registers a client, public unless it says otherwise. */
export async function register(metadata: Record<string, unknown> = {}): Promise<z.output<typeof clientSchema>> {
  const body = {
    client_name: "Test client",
    redirect_uris: [CALLBACK],
    token_endpoint_auth_method: "none",
    ...metadata,
  };
  const response = await send("/oauth/register", { method: "POST", body });
  if (response.status !== 201) throw new Error(`not registered: ${response.status} ${await response.text()}`);
  return clientSchema.parse(await response.json());
}

/** A verifier and its challenge (RFC 7636). */
export function newPkce(): { readonly verifier: string; readonly challenge: string } {
  const verifier = randomBytes(32).toString("base64url");
  return { verifier, challenge: createHash("sha256").update(verifier).digest("base64url") };
}

/** The URL by which a client asks; a parameter that is undefined is left out. */
export function authorizationUrl(parameters: Record<string, string | undefined>): string {
  const url = new URL("/authorize", ORIGIN);
  const asked = { response_type: "code", code_challenge_method: "S256", redirect_uri: CALLBACK, ...parameters };
  for (const [name, value] of Object.entries(asked)) if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
}

/** Has a person allow what a client asks for, and answers with where the browser is sent then. */
export async function allow(person: Person, url: string, scope?: readonly string[]): Promise<URL> {
  const server = authorizationServer();
  const request = await server.parseAuthRequest(new Request(url));
  const { handle, headers } = await server.beginConsent(request);
  const [cookie = ""] = (headers.get("Set-Cookie") ?? "").split(";", 1);
  const form = new Request(url, { method: "POST", headers: { Cookie: cookie } });
  const approved = await server.approveConsent(form, handle);
  const { redirectTo } = await server.completeAuthorization({
    request: approved.request,
    scope: scope ?? request.scope,
    userId: person.id,
    signedInAt: new Date(),
  });
  return new URL(redirectTo);
}

/** Sends a form to one of OAuth's endpoints; a parameter that is undefined is left out. */
export function post(
  path: "/oauth/token" | "/oauth/revoke",
  parameters: Record<string, string | undefined>,
  headers: Record<string, string> = {},
): Promise<Response> {
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) body.set(name, value);
  return send(path, {
    method: "POST",
    body: body.toString(),
    headers: { "Content-Type": "application/x-www-form-urlencoded", ...headers },
  });
}

/** Reads the tokens of an answer that must have them. */
export async function tokensOf(response: Response): Promise<Tokens> {
  const text = await response.text();
  if (response.status !== 200) throw new Error(`no tokens: ${response.status} ${text}`);
  return tokensSchema.parse(JSON.parse(text));
}

/** What a client's code has come to. */
export interface Connection {
  readonly clientId: string;
  readonly tokens: Tokens;
}

/** Connects a client of a person's, as far as its first tokens. */
export async function connect(
  person: Person,
  parameters: Record<string, string | undefined> = {},
  clientId?: string,
): Promise<Connection> {
  const client_id = clientId ?? (await register()).client_id;
  const { verifier, challenge } = newPkce();
  const callback = await allow(person, authorizationUrl({ client_id, code_challenge: challenge, ...parameters }));
  const code = callback.searchParams.get("code") ?? "";
  const response = await post("/oauth/token", {
    grant_type: "authorization_code",
    code,
    code_verifier: verifier,
    client_id,
    redirect_uri: CALLBACK,
  });
  return { clientId: client_id, tokens: await tokensOf(response) };
}

/** Has a client refresh, and answers with whatever it is told. */
export function refresh(clientId: string, refreshToken: string): Promise<Response> {
  return post("/oauth/token", { grant_type: "refresh_token", refresh_token: refreshToken, client_id: clientId });
}

/** Has a client run a tool by HTTP. */
export function callTool(accessToken: string, tool: string, body: unknown = {}): Promise<Response> {
  return send(`/mcp/tools/${tool}`, { method: "POST", body, headers: { Authorization: `Bearer ${accessToken}` } });
}
