// A person at the consent pages, without a browser: what stands in a form is sent as a browser sends it.

/** Who signs in. */
export interface PageAccount {
  readonly email: string;
  readonly password: string;
}

/** The pages of one browser: it keeps their cookies. */
class Pages {
  readonly #cookies = new Map<string, string>();

  async get(url: string): Promise<string> {
    return this.#take(await fetch(url, { headers: this.#headers, redirect: "manual" }));
  }

  /** Sends the form of a page with its hidden fields, what is typed, and the button that is pressed. */
  async send(page: string, url: string, typed: Readonly<Record<string, string>>): Promise<string> {
    const action = attribute(/<form[^>]* action="([^"]*)"/, page);
    const body = new URLSearchParams();
    for (const [field] of page.matchAll(/<input[^>]* type="hidden"[^>]*>/g)) {
      body.set(attribute(/ name="([^"]*)"/, field), attribute(/ value="([^"]*)"/, field));
    }
    for (const [name, value] of Object.entries(typed)) body.set(name, value);
    const { origin } = new URL(url);
    const headers = { ...this.#headers, Origin: origin, "Sec-Fetch-Site": "same-origin" };
    const target = new URL(action, url);
    return this.#take(await fetch(target, { method: "POST", body, headers, redirect: "manual" }), target.href);
  }

  get #headers(): Record<string, string> {
    return { Cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ") };
  }

  async #take(response: Response, url?: string): Promise<string> {
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      this.#cookies.set(name, value);
    }
    const location = response.headers.get("Location");
    if (location !== null) return this.get(new URL(location, url ?? response.url).href);
    const page = await response.text();
    if (!response.ok) throw new Error(`${response.status}: ${page.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ")}`);
    return page;
  }
}

/**
 * Signs in at the pages of an authorization request and says yes.
 *
 * @returns where the browser is sent then
 */
export async function allowByPages(url: string, { email, password }: PageAccount, access = "write"): Promise<string> {
  const pages = new Pages();
  const consent = await pages.send(await pages.get(url), url, { action: "sign_in", email, password });
  const done = await pages.send(consent, url, { action: "allow", access });
  return attribute(/<a[^>]* href="([^"]*)"/, done);
}

function attribute(pattern: RegExp, page: string): string {
  const [, value] = pattern.exec(page) ?? [];
  if (value === undefined) throw new Error(`the page has no ${pattern}`);
  return value.replaceAll("&amp;", "&").replaceAll("&quot;", '"').replaceAll("&#39;", "'");
}
