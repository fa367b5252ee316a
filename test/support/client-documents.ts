import { vi } from "vitest";
import { authorizationServer, authorizationUrl, newPkce } from "./oauth.ts";

/** A client that is the URL of its own description: who can make that URL answer chooses every byte of it. */
export const CLIENT = "https://client.example/metadata.json";

/** A description that is taken. */
export const DESCRIPTION = {
  client_id: CLIENT,
  client_name: "Described client",
  redirect_uris: ["http://127.0.0.1/callback"],
  token_endpoint_auth_method: "none",
};

/** What a client's host answers with. */
export type HostAnswer = (url: string, init: RequestInit | undefined) => Promise<Response> | Response;

const { verifier, challenge } = newPkce();

/** What the codes of `askingUrl` are exchanged with. */
export const VERIFIER = verifier;

/** Has every host but the database answer so, and returns the URLs that are asked, as they come. */
export function answerFrom(answer: HostAnswer): string[] {
  const pass = globalThis.fetch;
  const asked: string[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    if (url.startsWith("http://127.0.0.1:") && init?.method === "POST") return pass(input, init);
    asked.push(url);
    return answer(url, init);
  });
  return asked;
}

/** The URL by which a client asks for consent. */
export function askingUrl(clientId = CLIENT): string {
  return authorizationUrl({ client_id: clientId, code_challenge: challenge, state: "s" });
}

/** Has the authorization server read a request: what was asked, or why it is refused. */
export function readRequest(url = askingUrl()): Promise<unknown> {
  return authorizationServer()
    .parseAuthRequest(new Request(url))
    .catch((error: unknown) => error);
}

/** The answers of a client's host that say nothing of the client. */
export const AWAY: readonly [string, HostAnswer][] = [
  ["503", () => new Response("busy", { status: 503 })],
  ["429", () => new Response("slow down", { status: 429 })],
  ["no answer", () => Promise.reject(new TypeError("Network connection lost."))],
  ["no host", () => Promise.reject(new TypeError("DNS lookup failed."))],
];
