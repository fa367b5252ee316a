import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import {
  allow,
  authorizationUrl,
  callTool,
  newPkce,
  post,
  RESOURCE,
  register,
  type Tokens,
  tokensOf,
} from "../support/oauth.ts";
import { Person } from "../support/person.ts";
import { type RecordedClient, recordedClients } from "../support/recorded-clients.ts";

// The clients that people use: each signs in as it has been seen to, and stays signed in for 90 days.

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;

let person: Person;

beforeAll(async () => {
  person = await Person.signUp();
  await person.run("create_task", { title: "Their own" });
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Gives a client's description of itself to everybody who fetches it. */
function publish({ document }: RecordedClient): void {
  const fetchElsewhere = globalThis.fetch;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) =>
    document !== undefined && input === document.client_id ? Response.json(document) : fetchElsewhere(input, init),
  );
}

/** How a client says who it is at the token endpoint. */
async function authenticationOf({ registration, document }: RecordedClient) {
  if (registration === undefined) return { clientId: document?.client_id ?? "", parameters: {}, headers: {} };
  const { client_id: clientId, client_secret: secret = "" } = await register(registration);
  switch (registration.token_endpoint_auth_method) {
    case "client_secret_post":
      return { clientId, parameters: { client_secret: secret }, headers: {} };
    case "client_secret_basic":
      return {
        clientId,
        parameters: { client_id: undefined },
        headers: { Authorization: `Basic ${btoa(`${clientId}:${secret}`)}` },
      };
    default:
      return { clientId, parameters: {}, headers: {} };
  }
}

const clients = recordedClients(RESOURCE);

describe.each(clients.map((client) => [client.name, client] as const))("%s", (_name, client) => {
  it("signs in, and is the same person's for 90 days", async () => {
    publish(client);
    const { clientId, parameters, headers } = await authenticationOf(client);
    const { verifier, challenge } = newPkce();
    const asked = { client_id: clientId, code_challenge: challenge, redirect_uri: client.redirectUri, state: "s" };
    const callback = await allow(person, authorizationUrl({ ...asked, ...client.asks }));
    expect(callback.href.startsWith(client.redirectUri)).toBe(true);
    const ask = async (changes: Record<string, string>): Promise<Tokens> =>
      tokensOf(await post("/oauth/token", { client_id: clientId, ...changes, ...parameters }, headers));

    let tokens = await ask({
      grant_type: "authorization_code",
      code: callback.searchParams.get("code") ?? "",
      code_verifier: verifier,
      redirect_uri: client.redirectUri,
      ...(client.asks.resource !== undefined && { resource: client.asks.resource }),
    });
    expect(tokens).toMatchObject({ expires_in: 3600, scope: "tasks:read tasks:write" });
    const begun = Date.now();
    for (let day = 0; day <= 90; day += 6) {
      vi.useFakeTimers({ toFake: ["Date"], now: begun + day * DAY });
      const called = await callTool(tokens.access_token, "list_tasks");
      if (day > 0) {
        expect(called.status, `on day ${day}`).toBe(401);
        tokens = await ask({ grant_type: "refresh_token", refresh_token: tokens.refresh_token });
      }
      const answered = await callTool(tokens.access_token, "list_tasks");
      expect(await answered.json()).toMatchObject({ tasks: [{ title: "Their own" }] });
    }
  });
});
