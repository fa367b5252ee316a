import { createHash, randomBytes } from "node:crypto";
import { z } from "zod";

/** A client that has asked a person for consent. */
interface AskingClient {
  /** The address of the page that asks. */
  readonly url: string;
  /** Exchanges the code that it was called back with. */
  exchange(code: string): Promise<unknown>;
}

/** Posts JSON, which must be taken. @returns the answer */
export async function postJsonTo(url: string, body: object): Promise<unknown> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url}: ${await response.text()}`);
  return response.json();
}

/** Has a new client ask for consent, of a server that runs by itself. */
export async function askForConsent(serverUrl: string, redirectUri: string): Promise<AskingClient> {
  const registration = {
    client_name: "Test client",
    redirect_uris: [redirectUri],
    token_endpoint_auth_method: "none",
  };
  const registered = await postJsonTo(`${serverUrl}/oauth/register`, registration);
  const { client_id } = z.object({ client_id: z.string() }).parse(registered);
  const verifier = randomBytes(32).toString("base64url");
  const parameters = new URLSearchParams({
    response_type: "code",
    client_id,
    redirect_uri: redirectUri,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  });
  return {
    url: `${serverUrl}/authorize?${parameters}`,
    async exchange(code) {
      const form = {
        grant_type: "authorization_code",
        code,
        code_verifier: verifier,
        client_id,
        redirect_uri: redirectUri,
      };
      const response = await fetch(`${serverUrl}/oauth/token`, { method: "POST", body: new URLSearchParams(form) });
      return response.json();
    },
  };
}
