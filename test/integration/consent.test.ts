import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Asked, ask, ConsentBrowser, type ShownPage } from "../support/consent.ts";
import { callTool } from "../support/oauth.ts";
import { ORIGIN, PASSWORD, Person, send } from "../support/person.ts";

let person: Person;
let browser: ConsentBrowser;

// Somebody else for each test: how often one may sign in is limited.
beforeEach(async () => {
  person = await Person.signUp();
  browser = new ConsentBrowser();
});

const text = ({ html }: ShownPage) => html.replace(/<[^>]+>/g, " ").replace(/\s+/g, " ");
const heading = ({ html }: ShownPage) => /<h1>(.*?)<\/h1>/s.exec(html)?.[1]?.replace(/<[^>]+>/g, "");

/** Opens the page that asks, signed in. */
async function openAsPerson(asked: Asked, who = person): Promise<ShownPage> {
  return browser.signIn(asked, who.session.user.email, PASSWORD);
}

describe("a person who has an account", () => {
  it("signs in, allows, and is led back with a code that ends in a working token", async () => {
    const asked = await ask({ scope: "tasks:read tasks:write" }, { name: "Claude" });
    const first = await browser.open(asked.path);
    expect(first.response.status).toBe(200);
    expect(heading(first)).toBe("Sign in to connect Claude");

    const consent = await browser.submit(first, {
      action: "sign_in",
      email: person.session.user.email,
      password: PASSWORD,
    });
    expect(heading(consent)).toBe("Allow Claude to use your tasks?");
    expect(text(consent)).toContain(person.session.user.email);

    const { response, ledTo, html } = await browser.submit(consent, { action: "allow", access: "write" });
    expect(response.status).toBe(200);
    expect(html).toContain("Claude may read and change your tasks.");
    expect(ledTo?.href).toMatch(/^http:\/\/127\.0\.0\.1:7001\/callback\?/);
    expect(Object.fromEntries(ledTo?.searchParams ?? [])).toEqual({
      code: expect.any(String),
      state: asked.state,
      iss: ORIGIN,
    });

    const { access_token, scope } = await asked.exchange(ledTo);
    expect(scope).toBe("tasks:read tasks:write");
    expect((await callTool(access_token, "create_task", { title: "by a client" })).status).toBe(200);
    expect(await person.run("list_tasks", { search: "by a client" })).toMatchObject({ tasks: [{}] });
  });

  it("may let a client read alone", async () => {
    const asked = await ask();
    const consent = await openAsPerson(asked);
    const { ledTo, html } = await browser.submit(consent, { action: "allow", access: "read" });
    expect(html).toContain("may read your tasks.");
    expect((await asked.exchange(ledTo)).scope).toBe("tasks:read");
  });

  it("is offered no more than the client asks for, whatever their form says", async () => {
    const asked = await ask({ scope: "tasks:read" });
    const consent = await openAsPerson(asked);
    expect(consent.html.match(/type="radio"/g)).toHaveLength(1);
    const { ledTo } = await browser.submit(consent, { action: "allow", access: "write" });
    expect((await asked.exchange(ledTo)).scope).toBe("tasks:read");
  });

  it("may say no, before signing in and after", async () => {
    const asked = await ask();
    const refusal = { error: "access_denied", state: asked.state, iss: ORIGIN };
    const cancel = /<a class="button" href="([^"]*)"/.exec((await new ConsentBrowser().open(asked.path)).html)?.[1];
    const led = new URL(cancel?.replaceAll("&amp;", "&") ?? "");
    expect(Object.fromEntries(led.searchParams)).toEqual(refusal);

    const denied = await browser.submit(await openAsPerson(asked), { action: "deny" });
    expect(heading(denied)).toBe("Not connected");
    expect(Object.fromEntries(denied.ledTo?.searchParams ?? [])).toEqual(refusal);
    expect(denied.ledTo?.href).toMatch(/^http:\/\/127\.0\.0\.1:7001\/callback\?/);
  });

  it("stays signed in for a second client, and may take another account", async () => {
    const other = await Person.signUp();
    await openAsPerson(await ask());
    const asked = await ask();
    const consent = await browser.open(asked.path);
    expect(text(consent)).toContain(person.session.user.email);

    const change = /<a class="aside" href="([^"]*)"/.exec(consent.html)?.[1]?.replaceAll("&amp;", "&") ?? "";
    const signIn = await browser.open(change);
    expect(heading(signIn)).toBe("Sign in to connect Test client");
    const { email } = other.session.user;
    const changed = await browser.submit(signIn, { action: "sign_in", email, password: PASSWORD });
    expect(text(changed)).toContain(email);
    const { ledTo } = await browser.submit(changed, { action: "allow", access: "write" });
    const { access_token } = await asked.exchange(ledTo);
    const me = await send("/api/auth/me", { headers: { Authorization: `Bearer ${access_token}` } });
    expect(await me.json()).toMatchObject({ user: { id: other.id } });
  });

  it("shares the tasks of the account that the page has shown, and of no other", async () => {
    const other = await Person.signUp();
    const asked = await ask();
    const shown = await openAsPerson(asked);
    await openAsPerson(await ask(), other);
    const anew = await browser.submit(shown, { action: "allow", access: "write" });
    expect(anew.ledTo).toBeUndefined();
    expect(text(anew)).toContain(other.session.user.email);
    const { ledTo } = await browser.submit(anew, { action: "allow", access: "write" });
    expect((await asked.exchange(ledTo)).access_token).toEqual(expect.any(String));
  });

  it("is shown what was wrong, with what they have typed but the password", async () => {
    const asked = await ask();
    const page = await new ConsentBrowser().open(asked.path);
    const wrong = await browser.submit(page, {
      action: "sign_in",
      email: person.session.user.email,
      password: "a wrong password",
    });
    expect(wrong.response.status).toBe(403);
    expect(wrong.response.headers.get("WWW-Authenticate")).toBeNull();
    expect(wrong.html).toMatch(/role="alert">The e-mail or the password is wrong\./);
    expect(wrong.html).toContain(`value="${person.session.user.email}"`);
    expect(wrong.html).not.toContain("a wrong password");
    expect(wrong.html).toContain("<title>Error: Sign in");
    expect(wrong.ledTo).toBeUndefined();
  });

  it("signs in again where ten minutes have passed, and the form they have open still counts for nothing", async () => {
    const asked = await ask();
    const consent = await openAsPerson(asked);
    browser.cookies.delete("__Host-authorize-session");
    const late = await browser.submit(consent, { action: "allow", access: "write" });
    expect(late.response.status).toBe(403);
    expect(heading(late)).toBe("Sign in to connect Test client");
    expect(late.ledTo).toBeUndefined();
    const again = await browser.submit(late, {
      action: "sign_in",
      email: person.session.user.email,
      password: PASSWORD,
    });
    const { ledTo } = await browser.submit(again, { action: "allow", access: "write" });
    expect((await asked.exchange(ledTo)).scope).toBe("tasks:read tasks:write");
  });

  it("is signed out here as well, once they sign out everywhere", async () => {
    const leaving = await Person.signUp();
    const asked = await ask();
    const consent = await openAsPerson(asked, leaving);
    expect(heading(consent)).toMatch(/^Allow/);
    await leaving.send("/api/auth/signout", { method: "POST", body: { everywhere: true } });
    expect(heading(await browser.open(asked.path))).toMatch(/^Sign in/);
    const late = await browser.submit(consent, { action: "allow", access: "write" });
    expect(late.ledTo).toBeUndefined();
    expect(heading(late)).toMatch(/^Sign in/);
  });
});

describe("a person without an account", () => {
  it("makes one, in the time zone of their connection or another", async () => {
    const asked = await ask();
    const signIn = await new ConsentBrowser().open(asked.path);
    const path = /<a href="([^"]*)">Create one/.exec(signIn.html)?.[1]?.replaceAll("&amp;", "&") ?? "";
    const cf = { timezone: "America/Sao_Paulo" } as unknown;
    const page = await browser.open(path, { cf: cf as never });
    expect(heading(page)).toBe("Create an account to connect Test client");
    expect(page.html).toMatch(/<option value="America\/Sao_Paulo" selected/);

    const email = `${crypto.randomUUID()}@example.com`;
    const account = { action: "sign_up", email, password: PASSWORD, time_zone: "Europe/Berlin" };
    const consent = await browser.submit(page, account);
    expect(heading(consent)).toBe("Allow Test client to use your tasks?");
    expect(text(consent)).toContain(email);
    const { access_token } = await asked.exchange(
      (await browser.submit(consent, { action: "allow", access: "write" })).ledTo,
    );
    const me = await send("/api/auth/me", { headers: { Authorization: `Bearer ${access_token}` } });
    expect(await me.json()).toMatchObject({ user: { email, time_zone: "Europe/Berlin" } });
  });

  it.each([
    ["no address of a connection", undefined, "UTC"],
    ["a zone that the list has under another name", "Asia/Kolkata", "Asia/Kolkata"],
    ["a zone that there is not", "Mars/Olympus", "UTC"],
  ])("is offered a zone for %s", async (_, timezone, offered) => {
    const { path } = await ask({ prompt: "create" });
    const cf = { timezone } as unknown;
    const { html } = await browser.open(path, { cf: cf as never });
    expect(/<option value="([^"]*)" selected/.exec(html)?.[1]).toBe(offered);
    expect(html.includes("Taken from your connection.")).toBe(offered === timezone);
  });

  it("is shown at each field what must be put right", async () => {
    const { path } = await ask({ prompt: "create" });
    const page = await browser.open(path);
    const typed = { action: "sign_up", email: "ada@example", password: "short", time_zone: "Asia/Tokyo" };
    const { response, html } = await browser.submit(page, typed);
    expect(response.status).toBe(400);
    expect(html).toContain('id="email-error">The e-mail must be an e-mail address.');
    expect(html).toContain('id="password-error">The password must be 8 to 200 characters long.');
    expect(html).toMatch(
      /<input id="email"[^>]*aria-invalid="true" aria-describedby="email-error"[^>]*value="ada@example"/,
    );
    expect(html).toMatch(/<option value="Asia\/Tokyo" selected/);
    expect(html).not.toContain('"short"');

    const taken = { ...typed, email: person.session.user.email, password: PASSWORD };
    const refused = await browser.submit(page, taken);
    expect(refused.response.status).toBe(409);
    expect(refused.html).toContain('id="email-error">The e-mail already has an account; sign in instead.');
  });
});

describe("a client that is described at an address of its own", () => {
  const CLIENT = "https://client.example/metadata.json";

  /** Has the client's host answer; says how often it was asked. */
  function describeClient(answer: () => Response): () => number {
    const pass = globalThis.fetch;
    let asked = 0;
    vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
      if (String(input) !== CLIENT) return pass(input, init);
      asked += 1;
      return answer();
    });
    return () => asked;
  }

  afterEach(() => vi.restoreAllMocks());

  it("is said to be published there, and is connected", async () => {
    const described = {
      client_id: CLIENT,
      client_name: "Described",
      redirect_uris: ["https://client.example/callback"],
    };
    describeClient(() => Response.json({ ...described, token_endpoint_auth_method: "none" }));
    const asked = await ask({ client_id: CLIENT }, { callback: "https://client.example/callback" });
    const consent = await openAsPerson(asked);
    expect(text(consent)).toContain("Published by client.example");
    expect(consent.html).not.toContain("nobody has checked it");
    expect(consent.html).not.toContain("notice careful");
    const { ledTo } = await browser.submit(consent, { action: "allow", access: "write" });
    expect(ledTo?.href).toMatch(/^https:\/\/client\.example\/callback\?code=/);
  });

  it("whose description cannot be read is not shown, and nobody is led anywhere", async () => {
    const asks = describeClient(() => new Response("busy", { status: 503 }));
    const { path } = await ask({ client_id: CLIENT }, { callback: "https://client.example/callback" });
    const page = await browser.open(path);
    expect(page.response.status).toBe(400);
    expect(text(page)).toContain("The app says at its own address who it is, and that could not be read there.");
    expect(page.ledTo).toBeUndefined();
    expect(asks()).toBe(1);
  });
});

it("an e-mail that the client knows is filled in", async () => {
  const { path } = await ask({ login_hint: 'ada"><b>@example.com' });
  const { html } = await new ConsentBrowser().open(path);
  expect(html).toContain('value="ada&quot;&gt;&lt;b&gt;@example.com"');
});

it("what goes back through an app's own link or through a site is led there as well", async () => {
  for (const callback of ["cursor://anysphere.cursor-mcp/oauth/callback", "https://claude.ai/api/mcp/auth_callback"]) {
    const asked = await ask({}, { callback });
    const { ledTo } = await browser.submit(await openAsPerson(asked), { action: "allow", access: "write" });
    expect(ledTo?.href.startsWith(`${callback}?code=`)).toBe(true);
    expect((await asked.exchange(ledTo)).access_token).toEqual(expect.any(String));
  }
});
