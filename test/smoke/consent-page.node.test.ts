import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { type LoopbackServer, listenOnLoopback } from "../../local/loopback-server.ts";
import type { Browser, Page, Profile } from "../clients/browser.d.mts";
import { askForConsent, postJsonTo } from "../support/asking-client.ts";
import { quickDatabase } from "../support/cluster-databases.ts";
import { findChromium, POLLING } from "../support/front-end-tab.ts";
import { areClientsInstalled } from "../support/installed-clients.ts";
import { makeStartPlace, type StartedServer, type StartPlace, startServer } from "../support/npm-start.ts";
import { moveTo, shownOn, violationsOn } from "../support/page-tab.ts";

// The consent page of `npm start` in a real browser: what no test of the answers alone can show.

const chromium = findChromium();
// biome-ignore lint/correctness/useImportExtensions: it takes the name of the types for a part of the file's
const clients = areClientsInstalled() && chromium ? await import("../clients/browser.mjs") : undefined;

const PASSWORD = "a password of the tests";
const SCREENSHOTS = join(import.meta.dirname, "../../test-results/consent");

const mailSchema = z.object({ kind: z.string(), to: z.string(), link: z.url().optional() });

describe.skipIf(clients === undefined)("in Chromium (needs npm ci --prefix test/clients, and chromium)", () => {
  let place: StartPlace;
  let server: StartedServer;
  let browser: Browser;
  let site: LoopbackServer;
  let email: string;
  let profile: Profile;
  let tab: Page;
  let complaints: string[];
  /** What the client was called back with. */
  let callbacks: URL[];
  const mails: z.output<typeof mailSchema>[] = [];

  beforeAll(async () => {
    if (clients === undefined || chromium === undefined) throw new Error("not installed");
    place = await makeStartPlace();
    site = await listenOnLoopback(
      createServer((request, response) => {
        if (request.url === "/mails") {
          void text(request).then((body) => {
            mails.push(mailSchema.parse(JSON.parse(body)));
            response.writeHead(204).end();
          });
          return;
        }
        const { status = 200, headers = {}, body = "" } = answerAsSite(request);
        response.writeHead(status, { "content-type": "text/html; charset=utf-8", ...headers }).end(body);
      }),
    );
    await mkdir(SCREENSHOTS, { recursive: true });
    [server, browser] = await Promise.all([
      startServer(place, {
        ...(await quickDatabase()),
        MAIL_WEBHOOK_URL: `${site.url}/mails`,
        MAIL_WEBHOOK_SECRET: randomBytes(32).toString("hex"),
        PRIVACY_URL: "https://example.com/privacy",
        TERMS_URL: "https://example.com/terms",
      }),
      clients.launchChromium(chromium),
    ]);
    email = `${crypto.randomUUID()}@example.com`;
    await postJson("/api/auth/signup", { email, password: PASSWORD });
  });

  afterAll(async () => {
    await Promise.all([browser?.close(), site?.close(), place?.remove()]);
  });

  beforeEach(async () => {
    callbacks = [];
    await open({});
    return () => profile.close();
  });

  /** The client's own pages: where it is called back, by a redirect of its own, and the page that opens windows. */
  function answerAsSite({ url = "/" }: IncomingMessage): { status?: number; headers?: object; body?: string } {
    const { pathname, search } = new URL(url, site.url);
    if (pathname === "/onwards") {
      return { status: 302, headers: { location: `http://localhost:${site.port}/callback${search}` } };
    }
    if (pathname === "/callback") {
      callbacks.push(new URL(url, site.url));
      return { body: "<title>Called back</title><script>opener?.postMessage('called back', '*')</script>" };
    }
    const framed = new URLSearchParams(search).get("frame");
    return {
      body: `<title>Client</title>${framed === null ? "" : `<iframe src="${framed.replaceAll("&", "&amp;")}">`}`,
    };
  }

  async function open(options: NonNullable<Parameters<Browser["newContext"]>[0]>): Promise<void> {
    await profile?.close();
    profile = await browser.newContext(options);
    tab = await profile.newPage();
    complaints = [];
    tab.on("pageerror", ({ message }) => complaints.push(message));
    tab.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
  }

  const postJson = (path: string, body: object) => postJsonTo(`${server.url}${path}`, body);
  const ask = (redirectUri: string) => askForConsent(server.url, redirectUri);

  const click = (name: string) => tab.getByRole("button", { name, exact: true }).click();
  async function untilShown(heading: string, page = tab): Promise<void> {
    await expect.poll(() => shownOn(page).catch(() => undefined), POLLING).toBe(heading);
  }

  async function signIn(): Promise<void> {
    await tab.getByLabel("E-mail").fill(email);
    await tab.getByLabel("Password").fill(PASSWORD);
    await click("Sign in");
  }

  /** The link by which somebody with a new account sets another password. */
  async function linkOfNewAccount(): Promise<string> {
    const own = `${crypto.randomUUID()}@a-domain-that-is-rather-long.example.com`;
    await postJson("/api/auth/signup", { email: own, password: PASSWORD });
    await postJson("/api/auth/password/forgot", { email: own });
    await expect.poll(() => mails.some(({ to }) => to === own), POLLING).toBe(true);
    return mails.find(({ to }) => to === own)?.link ?? "";
  }

  const tabTo = (name: string) => moveTo(tab, name);

  it("is used by keyboard alone, from signing in to a token that may only read", async () => {
    const { url, exchange } = await ask(`${site.url}/callback`);
    await tab.goto(url);
    await tabTo("E-mail");
    await tab.keyboard.type(email);
    await tabTo("Password");
    await tab.keyboard.type("not the password");
    await tab.keyboard.press("Enter");
    await expect
      .poll(() => tab.evaluate("document.querySelector('[role=alert]')?.textContent"), POLLING)
      .toBe("The e-mail or the password is wrong.");
    expect(await tab.evaluate("document.title")).toMatch(/^Error: /);
    expect(await tab.evaluate("[...document.querySelectorAll('input')].map(({ value }) => value)")).toEqual([
      email,
      "",
    ]);
    await tabTo("Password");
    await tab.keyboard.type(PASSWORD);
    await tab.keyboard.press("Enter");
    await untilShown("Allow Test client to use your tasks?");
    await tabTo("Read and change");
    await tab.keyboard.press("ArrowDown");
    await tabTo("Allow");
    await tab.keyboard.press("Enter");
    await untilShown("Called back");
    expect(callbacks).toHaveLength(1);
    const tokens = await exchange(callbacks[0]?.searchParams.get("code") ?? "");
    expect(tokens).toMatchObject({ access_token: expect.any(String), scope: "tasks:read" });
    // The answer that signing in had failed is told as such by the browser, and nothing else.
    expect(complaints).toEqual([expect.stringContaining("403 (Forbidden)")]);
  });

  it("needs no script, to make an account as well", async () => {
    await open({ javaScriptEnabled: false });
    const { url, exchange } = await ask(`${site.url}/callback`);
    await tab.goto(url);
    await tab.getByRole("link", { name: "Create one", exact: true }).click();
    await tab.getByLabel("E-mail").fill(`${crypto.randomUUID()}@example.com`);
    await tab.getByLabel("Password").fill(PASSWORD);
    await click("Create account");
    await click("Allow");
    await expect.poll(() => callbacks.length, POLLING).toBe(1);
    expect(await exchange(callbacks[0]?.searchParams.get("code") ?? "")).toHaveProperty("access_token");
  });

  it("leads back to a client that leads on to elsewhere", async () => {
    const { url } = await ask(`${site.url}/onwards`);
    await tab.goto(url);
    await signIn();
    await untilShown("Allow Test client to use your tasks?");
    await click("Deny");
    await tab.waitForURL(/^http:\/\/localhost:\d+\/callback\?/);
    expect(callbacks[0]?.searchParams.get("error")).toBe("access_denied");
    expect(complaints).toEqual([]);
  });

  it("leads back to an app by a link of its own, and says that all is done", async () => {
    const { url } = await ask("cursor://anysphere.cursor-mcp/oauth/callback");
    await tab.goto(url);
    await signIn();
    await untilShown("Allow Test client to use your tasks?");
    await click("Allow");
    await untilShown("Connected");
    expect(await tab.evaluate("document.querySelector('main a').href")).toMatch(
      /^cursor:\/\/anysphere\.cursor-mcp\/.*code=/,
    );
    expect(complaints.filter((complaint) => /security policy/i.test(complaint))).toEqual([]);
  });

  it("lets a page that has opened it in a window hear of the end", async () => {
    const { url } = await ask(`${site.url}/callback`);
    await tab.goto(site.url);
    await tab.evaluate("addEventListener('message', ({ data }) => { document.title = data; })");
    const opened = tab.waitForEvent("popup");
    await tab.evaluate(`void window.open(${JSON.stringify(url)})`);
    const popup = await opened;
    await popup.getByLabel("E-mail").fill(email);
    await popup.getByLabel("Password").fill(PASSWORD);
    await popup.getByRole("button", { name: "Sign in", exact: true }).click();
    await popup.getByRole("button", { name: "Allow", exact: true }).click();
    await untilShown("called back");
  });

  it("leads who has forgotten their password to a link, by which they set another, by keyboard alone", async () => {
    const forgetful = `${crypto.randomUUID()}@example.com`;
    await postJson("/api/auth/signup", { email: forgetful, password: PASSWORD });
    const { url } = await ask(`${site.url}/callback`);
    await tab.goto(url);
    await tabTo("Forgot your password?");
    await tab.keyboard.press("Enter");
    await untilShown("Forgot your password?");
    await tabTo("E-mail");
    await tab.keyboard.type(forgetful);
    await tab.keyboard.press("Enter");
    await untilShown("Look into your mails");
    await expect.poll(() => mails.filter(({ to }) => to === forgetful), POLLING).toHaveLength(1);
    const { link = "" } = mails.find(({ to }) => to === forgetful) ?? {};
    await tab.goto(link);
    await tabTo("Password");
    await tab.keyboard.type("another password of the tests");
    await tab.keyboard.press("Enter");
    await untilShown("Your password is set");
    expect(await tab.evaluate("location.search + document.referrer")).not.toContain("token");
    await tab.goto(link);
    await untilShown("This link does not count any more");
    await postJson("/api/auth/signin", { email: forgetful, password: "another password of the tests" });
    expect(complaints.filter((complaint) => !complaint.includes("400 (Bad Request)"))).toEqual([]);
  });

  it("is not shown in a frame", async () => {
    const { url } = await ask(`${site.url}/callback`);
    await tab.goto(`${site.url}/?frame=${encodeURIComponent(url)}`);
    await expect.poll(() => complaints.join("\n"), POLLING).toMatch(/frame-ancestors|X-Frame-Options/);
  });

  // What axe says of colours does not depend on the width, nor the width of what is shown on the colours.
  it.each([
    { width: 360, colorScheme: "light" },
    { width: 1280, colorScheme: "dark" },
  ] as const)("is readable for everybody at $width pixels, $colorScheme", async ({ width, colorScheme }) => {
    await open({ viewport: { width, height: 800 }, colorScheme });
    const { url } = await ask("http://127.0.0.1:1/callback");
    const look = async (name: string) => {
      expect(await violationsOn(tab)).toEqual([]);
      expect(await tab.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
      await tab.screenshot({ path: join(SCREENSHOTS, `${name}-${width}-${colorScheme}.png`), fullPage: true });
    };
    await tab.goto(`${url}&prompt=create`);
    await look("create-account");
    await tab.goto(`${server.url}/authorize`);
    await look("failure");
    await tab.goto(`${server.url}/account/forgotten-password`);
    await look("forgotten-password");
    await tab.goto(await linkOfNewAccount());
    await look("reset-password");
    await tab.goto(url);
    // Not the person's own e-mail, for which guesses are limited.
    await tab.getByLabel("E-mail").fill("nobody@example.com");
    await tab.getByLabel("Password").fill("not the password");
    await click("Sign in");
    await untilShown("Sign in to connect Test client: The e-mail or the password is wrong.");
    await look("sign-in");
    await signIn();
    await untilShown("Allow Test client to use your tasks?");
    await look("consent");
    expect(complaints.filter((complaint) => !/40[03] \(/.test(complaint))).toEqual([]);
  });
});
