// A browser as far as the consent page needs one: it keeps cookies, follows our own redirects and sends forms.

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

/** What a browser sends for a page. */
export interface PageRequest extends Pick<RequestInit, "method" | "redirect" | "cf"> {
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

/** Sends a browser's request to the server; the path may have a query. */
type SendRequest = (path: string, request: PageRequest) => Promise<Response>;

/** A person's browser, on one server. */
export class PageBrowser {
  readonly cookies = new Map<string, string>();
  readonly #origin: string;
  readonly #send: SendRequest;

  constructor(origin: string, send: SendRequest) {
    this.#origin = origin;
    this.#send = send;
  }

  /** Opens a page of ours. */
  async open(path: string, init: PageRequest = {}): Promise<ShownPage> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { ...(cookie !== "" && { Cookie: cookie }), ...init.headers };
    const response = await this.#send(path, { redirect: "manual", ...init, headers });
    for (const header of response.headers.getSetCookie()) this.#keep(header);
    const location = response.headers.get("Location");
    return response.status === 303 && location !== null ? this.open(location) : showPage(response, location);
  }

  /** Sends the form of a page. */
  submit({ form, hidden }: ShownPage, fields: Record<string, string>, init: PageRequest = {}): Promise<ShownPage> {
    if (form === undefined) throw new Error("the page has no form");
    // What a browser says of a form that a page of ours sends.
    const ownPage = { Origin: this.#origin, "Sec-Fetch-Site": "same-origin" };
    return this.open(form, {
      method: "POST",
      body: new URLSearchParams({ ...hidden, ...fields }).toString(),
      ...init,
      headers: { "Content-Type": "application/x-www-form-urlencoded", ...ownPage, ...init.headers },
    });
  }

  /** Opens the page that asks, and signs in on it. */
  async signIn({ path }: { readonly path: string }, email: string, password: string): Promise<ShownPage> {
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
