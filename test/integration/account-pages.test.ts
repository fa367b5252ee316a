import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import worker from "../../src/worker.ts";
import { statusOf } from "../support/connections.ts";
import { ConsentBrowser, type ShownPage } from "../support/consent.ts";
import { enoughOfMinute } from "../support/limiter-minute.ts";
import { Mailbox } from "../support/mailbox.ts";
import { ownerQuery } from "../support/owner.ts";
import { newAddress, ORIGIN, PASSWORD, Person, send } from "../support/person.ts";

const NEW_PASSWORD = "staple that nobody knows";
const FORGOTTEN = "/account/forgotten-password";

const browser = new ConsentBrowser();
const heading = ({ html }: ShownPage) => /<h1>(.*?)<\/h1>/s.exec(html)?.[1];
const pathOf = (link: string | undefined) => (link ?? "").slice(ORIGIN.length);
const signInStatus = async (email: string, password: string) =>
  (await send("/api/auth/signin", { method: "POST", body: { email, password } })).status;

/** The page that asks for a link, sent with an e-mail. */
const askForLink = async (email: string) => browser.submit(await browser.open(FORGOTTEN), { email });

/** Somebody who has opened the link that they had sent. */
async function personWithPage() {
  const mailbox = Mailbox.open();
  const person = await Person.signUp();
  const { email } = person.session.user;
  expect(heading(await askForLink(email))).toBe("Look into your mails");
  const { link } = await mailbox.next("password_reset", email);
  return { mailbox, person, email, path: pathOf(link), page: await browser.open(pathOf(link)) };
}

describe("a forgotten password", () => {
  it("is set anew by the link and the form behind it, and everything that was signed in ends", async () => {
    const { person, email, page } = await personWithPage();
    expect(page.response.status).toBe(200);
    expect(heading(page)).toBe("Set a new password");
    expect(page.html).toContain(email);
    // The address that the form is sent to holds no secret.
    expect(page.form).toBe("/account/reset-password");
    const done = await browser.submit(page, { password: NEW_PASSWORD });

    expect(done.response.status).toBe(200);
    expect(heading(done)).toBe("Your password is set");
    expect(await statusOf(person.session.token)).toBe(401);
    expect([await signInStatus(email, PASSWORD), await signInStatus(email, NEW_PASSWORD)]).toEqual([401, 200]);
  });

  it("is not set by opening the link, however often", async () => {
    const { email, path } = await personWithPage();
    for (let count = 0; count < 3; count += 1) expect(heading(await browser.open(path))).toBe("Set a new password");

    expect(await signInStatus(email, PASSWORD)).toBe(200);
  });

  it("may be typed again where it is too short, and is never shown", async () => {
    const { email, page } = await personWithPage();
    const again = await browser.submit(page, { password: "1234567" });
    expect(again.response.status).toBe(400);
    expect(again.html).toContain("The password must be 8 to 200 characters long.");
    expect(again.html).toMatch(/<title>Error: /);
    expect(again.html).not.toContain("1234567");

    expect(heading(await browser.submit(again, { password: NEW_PASSWORD }))).toBe("Your password is set");
    expect(await signInStatus(email, NEW_PASSWORD)).toBe(200);
  });

  it("needs a link that counts", async () => {
    const { path, page } = await personWithPage();
    await browser.submit(page, { password: NEW_PASSWORD });
    const pages = [
      await browser.open(path),
      await browser.submit(page, { password: "a third one for good measure" }),
      await browser.open("/account/reset-password"),
      await browser.open("/account/reset-password?token=%22%3E%3Cscript%3E"),
    ];

    for (const { response, html } of pages) {
      expect(response.status).toBe(400);
      expect(html).toContain("This link does not count any more");
      expect(html).toContain(`href="${FORGOTTEN}"`);
      expect(html).not.toContain("<script");
    }
  });

  it("is asked for in the same words whether there is an account or not, and an odd e-mail may be typed again", async () => {
    Mailbox.open();
    const { session } = await Person.signUp();
    const known = await askForLink(session.user.email);
    const unknown = await askForLink(`${crypto.randomUUID()}@example.com`);
    expect(unknown.html).toBe(known.html);

    const odd = await askForLink('nobody"><b>');
    expect(odd.response.status).toBe(400);
    expect(odd.html).toContain("The e-mail must be an e-mail address.");
    expect(odd.html).toContain('value="nobody&quot;&gt;&lt;b&gt;"');
  });

  it("is for the operator where no mails are sent", async () => {
    const context = createExecutionContext();
    const request = new Request(`${ORIGIN}${FORGOTTEN}`, { headers: { "CF-Connecting-IP": newAddress() } });
    const response = await worker.fetch(request, { ...env, MAIL_WEBHOOK_URL: undefined }, context);
    await waitOnExecutionContext(context);

    expect(response.status).toBe(404);
    expect(await response.text()).toContain("ask its operator for a link");
  });
});

describe("another e-mail", () => {
  const requestChange = async () => {
    const mailbox = Mailbox.open();
    const person = await Person.signUp();
    const email = `${crypto.randomUUID()}@example.com`;
    await person.send("/api/auth/me", { method: "PATCH", body: { email, password: PASSWORD } });
    const { link } = await mailbox.next("email_verification", email);
    return { person, email, path: pathOf(link) };
  };

  it("is confirmed by the form behind the link, and not by opening it", async () => {
    const { person, email, path } = await requestChange();
    const page = await browser.open(path);
    expect(heading(page)).toBe("Confirm your e-mail");
    expect(page.html).toContain(person.session.user.email);
    expect(page.html).toContain(email);
    expect(await signInStatus(email, PASSWORD)).toBe(401);

    expect(heading(await browser.submit(page, {}))).toBe("Your e-mail is confirmed");
    expect(await signInStatus(email, PASSWORD)).toBe(200);
    expect((await browser.open(path)).response.status).toBe(400);
  });

  it("that has become another person's is told so", async () => {
    const { email, path } = await requestChange();
    const page = await browser.open(path);
    const other = await Person.signUp();
    await ownerQuery("update users set email = $1 where id = $2", [email, other.id]);
    const refused = await browser.submit(page, {});

    expect(refused.response.status).toBe(409);
    expect(refused.html).toContain("has become another account");
  });

  it("is no use of a link to set a password, nor the other way round", async () => {
    const { path } = await requestChange();
    const token = path.split("token=")[1];

    expect((await browser.open(`/account/reset-password?token=${token}`)).response.status).toBe(400);
    const body = { token, new_password: NEW_PASSWORD };
    expect((await send("/api/auth/password/reset", { method: "POST", body })).status).toBe(400);
    expect((await browser.open(path)).response.status).toBe(200);
  });
});

describe("every page", () => {
  it("runs no code, is in no frame, is kept by nobody, and tells nobody its address", async () => {
    const { page } = await personWithPage();
    for (const { response, html } of [
      page,
      await browser.open(FORGOTTEN),
      await browser.open("/account/confirm-email"),
    ]) {
      const { headers } = response;
      expect(headers.get("Content-Security-Policy")).toMatch(
        /default-src 'none'.*form-action 'self'.*frame-ancestors 'none'/,
      );
      expect(headers.get("X-Frame-Options")).toBe("DENY");
      expect(headers.get("Referrer-Policy")).toBe("strict-origin");
      expect(headers.get("Cross-Origin-Opener-Policy")).toBe("same-origin");
      expect(headers.get("Cache-Control")).toBe("no-store");
      expect(html).not.toMatch(/<script|<style|\son\w+=|style="/);
    }
  });

  it.each([
    ["another site", { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" }],
    ["a sibling of our site", { Origin: "http://sub.127.0.0.1:8787", "Sec-Fetch-Site": "same-site" }],
    ["nobody knows where", { Origin: "null", "Sec-Fetch-Site": "cross-site" }],
  ])("takes no form from %s", async (_, headers) => {
    const { email, page } = await personWithPage();
    const refused = await browser.submit(page, { password: NEW_PASSWORD }, { headers });

    expect(refused.response.status).toBe(403);
    expect(await signInStatus(email, PASSWORD)).toBe(200);
  });

  it("is limited for each address as signing in is", async () => {
    const headers = { "CF-Connecting-IP": newAddress() };
    await enoughOfMinute();
    const statuses: number[] = [];
    for (let count = 0; count < 61; count += 1) {
      statuses.push((await browser.open("/account/reset-password", { headers })).response.status);
    }

    expect(statuses.at(-2)).toBe(400);
    expect(statuses.at(-1)).toBe(429);
  });
});
