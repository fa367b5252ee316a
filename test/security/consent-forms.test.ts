import { beforeEach, describe, expect, it } from "vitest";
import { ALLOW, type Asked, ask, ConsentBrowser, expectRefused, type ShownPage } from "../support/consent.ts";
import { newPkce } from "../support/oauth.ts";
import { ownerQuery } from "../support/owner.ts";
import { PASSWORD, Person } from "../support/person.ts";

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

describe("a form", () => {
  it.each([
    ["another site", { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" }],
    ["another site, by a browser that says no more", { Origin: "https://evil.example", "Sec-Fetch-Site": undefined }],
    ["another name of the same domain", { Origin: "https://evil.example", "Sec-Fetch-Site": "same-site" }],
    ["a page that was led here under another name", { Origin: "http://rebound.example:8787" }],
    ["a frame without an origin, by a browser that says no more", { Origin: "null", "Sec-Fetch-Site": undefined }],
    ["nobody knows where", { Origin: undefined, "Sec-Fetch-Site": undefined }],
    ["the address line", { Origin: undefined, "Sec-Fetch-Site": "none" }],
  ])("from %s is refused, and nothing of it is done", async (_, from) => {
    const asked = await ask();
    const consent = await openAsPerson(asked);
    const headers = Object.fromEntries(
      Object.entries({ "Sec-Fetch-Site": "same-origin", ...from }).filter(([, value]) => value),
    );
    const sent = await browser.open(consent.form ?? "", {
      method: "POST",
      headers: { "Content-Type": "application/x-www-form-urlencoded", ...headers },
      body: new URLSearchParams({ ...consent.hidden, ...ALLOW }).toString(),
    });
    expectRefused(sent, 403);
    // The form still counts: nobody has used it.
    expect((await browser.submit(consent, ALLOW)).ledTo?.searchParams.get("code")).toEqual(expect.any(String));
  });

  it("counts once", async () => {
    const asked = await ask();
    const consent = await openAsPerson(asked);
    const { ledTo } = await browser.submit(consent, ALLOW);
    await asked.exchange(ledTo);
    for (const action of ["allow", "deny"]) expectRefused(await browser.submit(consent, { ...ALLOW, action }), 400);
  });

  it("counts once where it is sent twice at the same time", async () => {
    const consent = await openAsPerson(await ask());
    const cookies = new Map(browser.cookies);
    const twin = new ConsentBrowser();
    for (const [name, value] of cookies) twin.cookies.set(name, value);
    const sent = await Promise.all([browser.submit(consent, ALLOW), twin.submit(consent, ALLOW)]);
    expect(sent.map(({ response }) => response.status).sort()).toEqual([200, 400]);
  });

  it("counts in the browser alone that was shown it", async () => {
    const consent = await openAsPerson(await ask());
    const thief = new ConsentBrowser();
    const session = browser.cookies.get("__Host-authorize-session") ?? "";
    thief.cookies.set("__Host-authorize-session", session);
    expectRefused(await thief.submit(consent, ALLOW), 400);
  });

  it.each([
    ["made up", "x".repeat(43)],
    ["missing", ""],
    ["too long", "x".repeat(10_000)],
  ])("with a handle that is %s is refused", async (_, handle) => {
    const consent = await openAsPerson(await ask());
    expectRefused(await browser.submit(consent, { ...ALLOW, handle }), 400);
  });

  it("counts for the client alone that it was shown for", async () => {
    const consent = await openAsPerson(await ask());
    const { path } = await ask({}, { name: "Another client", callback: "https://other.example/callback" });
    expectRefused(await browser.submit({ ...consent, form: path }, ALLOW), 400);
  });

  it.each([
    ["scope", { scope: "tasks:read" }, { scope: "tasks:read tasks:write" }],
    ["challenge", {}, { code_challenge: newPkce().challenge }],
    ["state", {}, { state: "another" }],
  ])("counts for the %s alone that it was shown for, also with the same client", async (_, shown, posted) => {
    const asked = await ask(shown);
    const other = (form: string | undefined) => {
      const url = new URL(form ?? "", "https://other.example");
      for (const [name, value] of Object.entries(posted)) url.searchParams.set(name, value);
      return `${url.pathname}${url.search}`;
    };
    for (const action of ["allow", "deny"]) {
      const consent = await browser.open((await openAsPerson(asked)).form ?? "");
      expectRefused(await browser.submit({ ...consent, form: other(consent.form) }, { ...ALLOW, action }), 400);
    }
    expect(await ownerQuery("select id from oauth_grants where user_id = $1", [person.id])).toEqual([]);
  });

  it.each([
    ["of another type", 415, { headers: { "Content-Type": "application/json" }, body: "{}" }],
    ["too large", 413, { body: `action=sign_in&email=${"a".repeat(17_000)}` }],
    ["with a field twice", 400, { body: "action=sign_in&email=a&email=b&password=c" }],
    ["that asks for what there is not", 400, { body: "action=delete_account" }],
    ["that is no UTF-8", 400, { body: "action=sign_in\0&email=%ff" }],
    ["that is empty", 400, { body: "" }],
  ])("%s is answered with a page", async (_, status, init) => {
    const page = await browser.open((await ask()).path);
    expectRefused(await browser.submit(page, {}, init), status);
  });
});
