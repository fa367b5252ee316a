import { authorizationUrl, CALLBACK, newPkce, post, register, type Tokens, tokensOf } from "./oauth.ts";
import { ORIGIN, send } from "./person.ts";

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

/** A page as a browser has it. */
export interface ShownPage {
  readonly response: Response;
  readonly html: string;
  /** Where its form is sent; undefined where it has none. */
  readonly form: string | undefined;
  /** The form's hidden fields. */
  readonly hidden: Readonly<Record<string, string>>;
  /** Where it leads the browser by itself, if anywhere. */
  readonly ledTo: URL | undefined;
}

type Init = NonNullable<Parameters<typeof send>[1]>;

/** What a browser says of a form that a page of ours sends. */
const OWN_PAGE = { Origin: ORIGIN, "Sec-Fetch-Site": "same-origin" };

/** A person's browser, as far as the consent page needs one: it keeps cookies, follows our own redirects and sends forms. */
export class ConsentBrowser {
  readonly cookies = new Map<string, string>();

  /** Opens a page of ours. */
  async open(path: string, init: Init = {}): Promise<ShownPage> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { ...(cookie !== "" && { Cookie: cookie }), ...init.headers };
    const response = await send(path, { redirect: "manual", ...init, headers });
    for (const header of response.headers.getSetCookie()) this.#keep(header);
    const location = response.headers.get("Location");
    return response.status === 303 && location !== null ? this.open(location) : showPage(response, location);
  }

  /** Sends the form of a page. */
  submit({ form, hidden }: ShownPage, fields: Record<string, string>, init: Init = {}): Promise<ShownPage> {
    if (form === undefined) throw new Error("the page has no form");
    return this.open(form, {
      method: "POST",
      body: new URLSearchParams({ ...hidden, ...fields }).toString(),
      ...init,
      headers: { "Content-Type": "application/x-www-form-urlencoded", ...OWN_PAGE, ...init.headers },
    });
  }

  /** Opens the page that asks, and signs in on it. */
  async signIn({ path }: Asked, email: string, password: string): Promise<ShownPage> {
    return this.submit(await this.open(path), { action: "sign_in", email, password });
  }

  #keep(header: string): void {
    const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(header) ?? [];
    if (/max-age=0/i.test(header)) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}

async function showPage(response: Response, location: string | null): Promise<ShownPage> {
  const html = await response.text();
  const hidden = [...html.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)];
  const refresh = /^0; url=(.*)$/.exec(response.headers.get("Refresh") ?? "")?.[1] ?? location ?? undefined;
  return {
    response,
    html,
    form: /<form method="post" action="([^"]*)"/.exec(html)?.[1]?.replaceAll("&amp;", "&"),
    hidden: Object.fromEntries(hidden.map(([, name = "", value = ""]) => [name, value])),
    ledTo: refresh === undefined ? undefined : new URL(refresh),
  };
}
