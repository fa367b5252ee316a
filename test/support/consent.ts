import { expect } from "vitest";
import { authorizationUrl, CALLBACK, newPkce, post, register, type Tokens, tokensOf } from "./oauth.ts";
import { PageBrowser, type ShownPage } from "./page-browser.ts";
import { ORIGIN, send } from "./person.ts";

export type { ShownPage } from "./page-browser.ts";

/** What a client asks a person for. */
export interface Asked {
  /** The address of the page that asks. */
  readonly path: string;
  readonly state: string;
  /** Exchanges the code that the browser was led back with. */
  exchange(ledTo: URL | undefined): Promise<Tokens>;
}

/** Has a new client ask for consent; parameters come beside those that every request has, or in their place. */
export async function ask(
  parameters: Record<string, string> = {},
  { name = "Test client", callback = CALLBACK } = {},
): Promise<Asked> {
  const { client_id } = await register({ client_name: name, redirect_uris: [callback] });
  const { verifier, challenge } = newPkce();
  const state = crypto.randomUUID();
  const asked = { client_id, code_challenge: challenge, state, redirect_uri: callback, ...parameters };
  return {
    path: authorizationUrl(asked).slice(ORIGIN.length),
    state,
    async exchange(ledTo) {
      const code = ledTo?.searchParams.get("code") ?? undefined;
      const form = {
        grant_type: "authorization_code",
        code,
        code_verifier: verifier,
        client_id,
        redirect_uri: callback,
      };
      return tokensOf(await post("/oauth/token", form));
    },
  };
}

/** A browser of a person's, which sends what it sends to the worker of the tests. */
export class ConsentBrowser extends PageBrowser {
  constructor() {
    super(ORIGIN, send);
  }
}

/** The answer of a person who lets a client change tasks. */
export const ALLOW = { action: "allow", access: "write" };

/** Holds a page to lead nowhere and have no code in it. */
export function expectRefused({ response, html, ledTo }: ShownPage, status: number): void {
  expect(response.status).toBe(status);
  expect(response.headers.get("Content-Type")).toMatch(/^text\/html/);
  expect(ledTo).toBeUndefined();
  expect(html).not.toMatch(/[?&;]code=/);
}
