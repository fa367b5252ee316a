import { createExecutionContext, env } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { mayBeLedTo } from "../../src/http/asked-consent.ts";
import worker from "../../src/worker.ts";
import { ALLOW, type Asked, ask, ConsentBrowser, expectRefused, type ShownPage } from "../support/consent.ts";
import { CALLBACK, post, register } from "../support/oauth.ts";
import { newAddress, ORIGIN, PASSWORD, Person, send } from "../support/person.ts";

const POLICY =
  "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

let person: Person;
let browser: ConsentBrowser;

// Somebody else for each test: how often one may sign in is limited.
beforeEach(async () => {
  person = await Person.signUp();
  browser = new ConsentBrowser();
});

function openAsPerson(asked: Asked): Promise<ShownPage> {
  return browser.signIn(asked, person.session.user.email, PASSWORD);
}

describe("a page", () => {
  it("is nobody else's to frame, keep, extend or learn from", async () => {
    const asked = await ask();
    const signIn = await browser.open(asked.path);
    const consent = await browser.submit(signIn, {
      action: "sign_in",
      email: person.session.user.email,
      password: PASSWORD,
    });
    const pages = [
      signIn,
      await browser.submit(signIn, { action: "sign_in", email: "nobody@example.com", password: "wrong password" }),
      consent,
      await browser.submit(consent, ALLOW),
      await browser.open("/authorize"),
    ];
    for (const { response, html } of pages) {
      expect(Object.fromEntries(response.headers)).toMatchObject({
        "content-security-policy": POLICY,
        "x-frame-options": "DENY",
        "cache-control": "no-store",
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "cross-origin-opener-policy": "unsafe-none",
      });
      expect(html).toMatch(/^<!doctype html>/);
      expect(html).not.toMatch(/<script|<style|\sstyle=|\son\w+=|src="(?!\/icon\.svg)/);
    }
    expect((await send("/authorize/style.css")).headers.get("Content-Type")).toBe("text/css; charset=utf-8");
  });

  it("shows what a client says of itself as text, and loads nothing of it", async () => {
    const name = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>\u202e&lt;`;
    const { client_id } = await register({
      client_name: name,
      logo_uri: "https://client.example/logo.png",
      client_uri: "https://client.example/",
    });
    const { path } = await ask({ client_id });
    const { html } = await browser.open(path);
    expect(html).toContain(
      "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&gt;&lt;img src=x onerror=alert(1)&gt;&amp;lt;",
    );
    expect(html).not.toContain("\u202e");
    expect(html).not.toContain("logo.png");
  });

  it("keeps its cookies to this host, out of reach of scripts and of forms on other sites", async () => {
    const asked = await ask();
    const page = await browser.open(asked.path);
    const init = { action: "sign_in", email: person.session.user.email, password: PASSWORD };
    const signedIn = await send(page.form ?? "", {
      method: "POST",
      redirect: "manual",
      headers: { "Content-Type": "application/x-www-form-urlencoded", Origin: ORIGIN },
      body: new URLSearchParams(init).toString(),
    });
    expect(signedIn.status).toBe(303);
    const consent = await openAsPerson(asked);
    const cookies = [...signedIn.headers.getSetCookie(), ...consent.response.headers.getSetCookie()];
    expect(cookies).toHaveLength(2);
    for (const cookie of cookies) {
      expect(cookie).toMatch(/^__Host-/);
      const attributes = cookie.split("; ").slice(1);
      expect(attributes).toEqual(
        expect.arrayContaining(["Path=/", "Secure", "HttpOnly", "SameSite=Lax", "Max-Age=600"]),
      );
    }
  });
});

describe("a client", () => {
  it.each([
    ["without a name", { client_id: "" }],
    ["that is not registered", { client_id: "no-such-client-1" }],
    ["with a redirect URI of another", { redirect_uri: "https://evil.example/callback" }],
    ["with a redirect URI that is longer", { redirect_uri: `${CALLBACK}/../evil` }],
    ["with a script for a redirect URI", { redirect_uri: "javascript:alert(1)" }],
    ["without a redirect URI", { redirect_uri: "" }],
    ["at an address of this machine", { client_id: "https://127.0.0.1/client.json" }],
  ])("%s is told nothing; the person is", async (_, parameters) => {
    const { path } = await ask(parameters);
    const refused = await browser.open(path);
    expectRefused(refused, 400);
    expect(refused.response.headers.get("Location")).toBeNull();
    expect(refused.html).not.toContain('href="https://evil');
    expect(refused.html).not.toContain('href="javascript');
  });

  it.each([
    ["no PKCE", { code_challenge: "" }, "invalid_request"],
    ["PKCE in plain text", { code_challenge_method: "plain" }, "invalid_request"],
    ["another kind of answer", { response_type: "token" }, "unsupported_response_type"],
    ["another audience", { resource: "https://other.example/mcp" }, "invalid_target"],
    ["scopes that there are not", { scope: "admin" }, "invalid_scope"],
  ])("that asks with %s is told so itself", async (_, parameters, error) => {
    const asked = await ask(parameters);
    const { response, ledTo } = await browser.open(asked.path);
    expect(response.status).toBe(302);
    expect(`${ledTo?.origin}${ledTo?.pathname}`).toBe(CALLBACK);
    expect(Object.fromEntries(ledTo?.searchParams ?? [])).toMatchObject({ error, state: asked.state, iss: ORIGIN });
  });
});

it("a request that is wrong leads nobody to a site by itself that anybody can have registered", async () => {
  const callback = "https://phishing.example/callback";
  const asked = await ask({ scope: "admin" }, { callback });
  const page = await browser.open(asked.path);
  expectRefused(page, 400);
  expect(page.html).toContain("scope must be of");
  const [, link = ""] = /<a class="button primary" href="([^"]*)">Back to phishing\.example/.exec(page.html) ?? [];
  const led = new URL(link.replaceAll("&amp;", "&"));
  expect(`${led.origin}${led.pathname}`).toBe(callback);
  expect(Object.fromEntries(led.searchParams)).toMatchObject({
    error: "invalid_scope",
    state: asked.state,
    iss: ORIGIN,
  });
});

it.each([
  ["https://claude.ai/api/callback?error=a", "https://claude.ai/client.json", true],
  ["https://claude.ai.evil.example/callback?error=a", "https://claude.ai/client.json", false],
  ["https://evil.example/callback?error=a", "registered-client", false],
  ["https://evil.example/callback?error=a", undefined, false],
  ["http://127.0.0.1:7001/callback?error=a", "registered-client", true],
  ["cursor://anysphere.cursor-mcp/callback?error=a", "registered-client", false],
  ["microsoft-edge:https://evil.example/?error=a", "registered-client", false],
])("a browser may be led to %s for %s before its person has said anything: %s", (redirectTo, clientId, may) => {
  expect(mayBeLedTo(redirectTo, clientId)).toBe(may);
});

it("where there is no OAuth a page says so", async () => {
  const request = new Request(`${ORIGIN}/authorize?client_id=a`, { headers: { "CF-Connecting-IP": newAddress() } });
  const { OAUTH_KV: _, ...without } = env;
  const response = await worker.fetch(request, { ...without }, createExecutionContext());
  expect(response.status).toBe(404);
  expect(response.headers.get("Content-Type")).toMatch(/^text\/html/);
  expect(await response.text()).toContain("This server has no OAuth, as no KV namespace is bound as OAUTH_KV.");
});

it("who is signed in on the page is signed in nowhere else, nor the other way round", async () => {
  await openAsPerson(await ask());
  const session = browser.cookies.get("__Host-authorize-session") ?? "";
  expect(session).not.toBe("");
  for (const path of ["/api/auth/me", "/api/conversations"]) {
    const byCookie = await send(path, { headers: { Cookie: `__Host-authorize-session=${session}` } });
    const byToken = await send(path, { headers: { Authorization: `Bearer ${decodeURIComponent(session)}` } });
    expect([byCookie.status, byToken.status]).toEqual([401, 401]);
  }
  const other = new ConsentBrowser();
  other.cookies.set("__Host-authorize-session", person.session.token);
  expect((await other.open((await ask()).path)).html).toContain("<h1>Sign in");
});

it("nothing secret is in a log line", async () => {
  const lines: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((line: string) => lines.push(line));
  try {
    const asked = await ask();
    const consent = await openAsPerson(asked);
    const { ledTo } = await browser.submit(consent, ALLOW);
    await browser.submit(consent, ALLOW);
    const { access_token, refresh_token } = await asked.exchange(ledTo);
    await post("/oauth/token", { grant_type: "authorization_code", code: ledTo?.searchParams.get("code") ?? "" });
    expect(lines.some((line) => line.includes('"/authorize"'))).toBe(true);
    const secrets = [
      PASSWORD,
      person.session.user.email,
      asked.state,
      consent.hidden.handle,
      ledTo?.searchParams.get("code"),
      access_token,
      refresh_token,
      ...browser.cookies.values(),
    ];
    for (const secret of secrets) {
      expect(secret).toEqual(expect.any(String));
      for (const line of lines) expect(line).not.toContain(secret);
    }
  } finally {
    log.mockRestore();
  }
});
