import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import worker from "../../src/worker.ts";
import { connectClient, connectionsOf, makeToken, statusOf } from "../support/connections.ts";
import { loseFirstAnswer } from "../support/lost-answers.ts";
import { Mailbox } from "../support/mailbox.ts";
import { ownerQuery } from "../support/owner.ts";
import { newAddress, ORIGIN, PASSWORD, Person, problemOf, send } from "../support/person.ts";

const NEW_PASSWORD = "staple that nobody knows";

const forgot = (email: string, address = newAddress()) =>
  send("/api/auth/password/forgot", { method: "POST", body: { email }, headers: { "CF-Connecting-IP": address } });
const reset = (token: string, password = NEW_PASSWORD) =>
  send("/api/auth/password/reset", { method: "POST", body: { token, new_password: password } });
const signInStatus = async (email: string, password: string) =>
  (await send("/api/auth/signin", { method: "POST", body: { email, password } })).status;
const linksOf = ({ id }: Person) =>
  ownerQuery("select to_jsonb(account_links) as row from account_links where user_id = $1", [id]);

/** Lets so many minutes go by for a person's links. */
const minutesGoBy = ({ id }: Person, minutes: number) =>
  ownerQuery(
    `update account_links set created_at = created_at - make_interval(mins => $2),
       expires_at = expires_at - make_interval(mins => $2) where user_id = $1`,
    [id, minutes],
  );

/** Somebody who has asked for a link, and its token. */
async function personWithLink() {
  const mailbox = Mailbox.open();
  const person = await Person.signUp();
  const { email } = person.session.user;
  expect((await forgot(email.toUpperCase())).status).toBe(202);
  return { mailbox, person, email, token: await mailbox.token("password_reset", email) };
}

describe("a link to set a new password", () => {
  it("goes to the e-mail, and nothing that is kept of it could be used", async () => {
    const { mailbox, person, email, token } = await personWithLink();

    expect(token).toMatch(/^[\w-]{43}$/);
    const { link, text } = await mailbox.next("password_reset", email);
    expect(link).toBe(`${ORIGIN}/account/reset-password?token=${token}`);
    expect(text).toContain("within 30 minutes");
    const links = await linksOf(person);
    expect(links).toHaveLength(1);
    expect(JSON.stringify(links)).not.toContain(token);
  });

  it("sets it, ends everything that was signed in or connected, and signs in", async () => {
    const { mailbox, person, email, token } = await personWithLink();
    const { token: personal } = await makeToken(person);
    await connectClient(person);
    const response = await reset(token);
    expect(response.status).toBe(200);
    const session = z.object({ token: z.string(), user: z.unknown() }).parse(await response.json());

    expect(session.user).toEqual(person.session.user);
    expect(await statusOf(session.token)).toBe(200);
    expect([await statusOf(person.session.token), await statusOf(personal)]).toEqual([401, 401]);
    expect(await connectionsOf(person)).toEqual({ clients: 0, tokens: 0 });
    expect([await signInStatus(email, PASSWORD), await signInStatus(email, NEW_PASSWORD)]).toEqual([401, 200]);
    expect(await mailbox.next("password_changed", email)).not.toHaveProperty("link");
  });

  it("counts once, also where two use it at once, and ends the others", async () => {
    const { mailbox, person, email, token } = await personWithLink();
    await minutesGoBy(person, 11);
    await forgot(email);
    await expect.poll(() => mailbox.posted.length).toBe(2);
    const other = await mailbox.token("password_reset", email);
    expect(other).not.toBe(token);
    const statuses = await Promise.all([reset(token), reset(token)]).then((both) => both.map(({ status }) => status));

    expect(statuses.sort()).toEqual([200, 400]);
    for (const used of [token, other]) {
      const again = await reset(used, "a third one for good measure");
      expect(again.status).toBe(400);
      expect((await problemOf(again)).errors).toEqual([
        { field: "token", message: "was used or has expired; ask for another link" },
      ]);
    }
    expect(await signInStatus(email, NEW_PASSWORD)).toBe(200);
  });

  it("counts for 30 minutes", async () => {
    const { person, token } = await personWithLink();
    const [row] = await ownerQuery(
      "select extract(epoch from expires_at - now()) as seconds from account_links where user_id = $1",
      [person.id],
    );
    expect(Math.round(Number(row?.seconds) / 60)).toBe(30);
    await ownerQuery("update account_links set expires_at = now() where user_id = $1", [person.id]);

    expect((await reset(token)).status).toBe(400);
    expect(await signInStatus(person.session.user.email, PASSWORD)).toBe(200);
  });

  it("is used by the call whose answer of the database was lost", async () => {
    const { email, token } = await personWithLink();
    loseFirstAnswer("reset_password(");

    expect((await reset(token)).status).toBe(200);
    expect(await signInStatus(email, NEW_PASSWORD)).toBe(200);
  });

  it.each([
    [{ token: "x".repeat(43) }, "token", "was used or has expired; ask for another link"],
    [{ token: "short" }, "token", "must be the token of a link"],
    [{ token: undefined }, "token", "is required"],
    [{ new_password: "1234567" }, "new_password", "must be 8 to 200 characters long"],
    [{ user_id: 1 }, "user_id", "is not a known field"],
  ])("is not used by %j", async (fault, field, message) => {
    const { email, token } = await personWithLink();
    const body = { token, new_password: NEW_PASSWORD, ...fault };
    const response = await send("/api/auth/password/reset", { method: "POST", body });

    expect(response.status).toBe(400);
    expect((await problemOf(response)).errors).toEqual([{ field, message }]);
    expect(await signInStatus(email, PASSWORD)).toBe(200);
    expect((await reset(token)).status).toBe(200);
  });
});

describe("who asks for a link", () => {
  it("learns by no answer and no time whether there is such an account", async () => {
    const mailbox = Mailbox.open();
    const known: number[] = [];
    const unknown: number[] = [];
    const answers = new Set<string>();
    for (let round = 0; round < 9; round += 1) {
      const { session } = await Person.signUp();
      const stranger = `${crypto.randomUUID()}@example.com`;
      for (const [email, times] of [[session.user.email, known] as const, [stranger, unknown] as const]) {
        const startedAt = performance.now();
        const response = await forgot(email);
        times.push(performance.now() - startedAt);
        answers.add(`${response.status} ${await response.text()}`);
      }
    }

    expect([...answers]).toEqual([
      '202 {"message":"Where the e-mail has an account, a link to set a new password is on its way."}',
    ]);
    await expect.poll(() => mailbox.posted.length).toBe(9);
    expect(median(known) / median(unknown)).toBeGreaterThan(0.4);
    expect(median(known) / median(unknown)).toBeLessThan(2.5);
  });

  it("takes none from its owner, however often and from wherever", async () => {
    const mailbox = Mailbox.open();
    const person = await Person.signUp();
    const { email } = person.session.user;
    const askTenTimes = async (address?: string) => {
      for (let time = 0; time < 10; time += 1) expect((await forgot(email, address)).status).toBe(202);
    };
    const stranger = newAddress();
    await askTenTimes(stranger);
    const token = await mailbox.token("password_reset", email);
    expect((await forgot(email, stranger)).status).toBe(429);
    await askTenTimes();

    // It is told the same, and the link that it has goes on: no other mail comes for ten minutes.
    expect((await forgot(email)).status).toBe(202);
    expect(mailbox.posted).toHaveLength(1);
    await minutesGoBy(person, 11);
    expect((await forgot(email)).status).toBe(202);
    await expect.poll(() => mailbox.posted.length).toBe(2);
    const own = await mailbox.token("password_reset", email);
    expect(own).not.toBe(token);
    expect((await reset(own)).status).toBe(200);
    expect(await signInStatus(email, NEW_PASSWORD)).toBe(200);
    // Who has used theirs need not wait.
    expect((await forgot(email)).status).toBe(202);
    await expect.poll(() => mailbox.posted.filter(({ kind }) => kind === "password_reset").length).toBe(3);
  });

  it("gets one link where two ask at once", async () => {
    const mailbox = Mailbox.open();
    const person = await Person.signUp();
    await Promise.all([forgot(person.session.user.email), forgot(person.session.user.email)]);
    await mailbox.token("password_reset", person.session.user.email);
    expect(await linksOf(person)).toHaveLength(1);
  });

  it("may ask ten times a day from one address for an e-mail, whether it has an account or not", async () => {
    Mailbox.open();
    const { session } = await Person.signUp();
    for (const email of [session.user.email, `${crypto.randomUUID()}@example.com`]) {
      const address = newAddress();
      for (let time = 0; time < 10; time += 1) expect((await forgot(email, address)).status).toBe(202);
      const refused = await forgot(email, address);
      expect(refused.status).toBe(429);
      expect((await problemOf(refused)).detail).toMatch(/^10 links were asked for to this e-mail today/);
      expect((await forgot(email)).status).toBe(202);
    }
  });

  it.each([
    [{}, "email", "is required"],
    [{ email: "nobody" }, "email", "must be an e-mail address"],
    [{ email: "a@example.com", name: "Ada" }, "name", "is not a known field"],
  ])("is told what is wrong with %j", async (body, field, message) => {
    const response = await send("/api/auth/password/forgot", { method: "POST", body });

    expect(response.status).toBe(400);
    expect((await problemOf(response)).errors).toEqual([{ field, message }]);
  });

  it("is told to ask the operator where no mails are sent, with an account or without", async () => {
    const { session } = await Person.signUp();
    for (const email of [session.user.email, "nobody-here@example.com"]) {
      const context = createExecutionContext();
      const request = new Request(`${ORIGIN}/api/auth/password/forgot`, {
        method: "POST",
        body: JSON.stringify({ email }),
        headers: { "Content-Type": "application/json", "CF-Connecting-IP": newAddress() },
      });
      const response = await worker.fetch(request, { ...env, MAIL_WEBHOOK_URL: undefined }, context);
      await waitOnExecutionContext(context);
      expect(response.status).toBe(404);
      expect((await problemOf(response)).detail).toContain("ask its operator for a link");
    }
  });
});

function median(values: number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}
