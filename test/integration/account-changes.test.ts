import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import worker from "../../src/worker.ts";
import { loseFirstAnswer } from "../support/lost-answers.ts";
import { Mailbox } from "../support/mailbox.ts";
import { ownerQuery } from "../support/owner.ts";
import { newAddress, ORIGIN, PASSWORD, Person, problemOf, send } from "../support/person.ts";

const change = (person: Person, body: unknown) => person.send("/api/auth/me", { method: "PATCH", body });

const accountOf = async ({ id }: Person) => {
  const [row] = await ownerQuery("select email, name, time_zone from users where id = $1", [id]);
  return row;
};

describe("the profile", () => {
  it("changes by what the body names, and nothing else does", async () => {
    const person = await Person.signUp({ name: "Ada", time_zone: "UTC" });
    const neighbour = await Person.signUp({ name: "Grace" });
    const { email } = person.session.user;

    const renamed = await change(person, { name: " Ada Löwe " });
    expect(renamed.status).toBe(200);
    const account = { id: person.id, email, name: "Ada Löwe", time_zone: "UTC", week_start: "monday" };
    expect(await renamed.json()).toEqual({ user: account });
    const moved = await change(person, { time_zone: "Asia/Kolkata" });
    expect(await moved.json()).toEqual({ user: { ...account, time_zone: "Asia/Kolkata" } });
    const begun = await change(person, { week_start: "sunday" });
    expect(await begun.json()).toEqual({ user: { ...account, time_zone: "Asia/Kolkata", week_start: "sunday" } });
    expect(await (await person.send("/api/auth/me")).json()).toMatchObject({ user: { week_start: "sunday" } });
    expect(await (await neighbour.send("/api/auth/me")).json()).toMatchObject({ user: { week_start: "monday" } });

    expect(await accountOf(person)).toEqual({ email, name: "Ada Löwe", time_zone: "Asia/Kolkata" });
    expect(await accountOf(neighbour)).toMatchObject({ name: "Grace", time_zone: "UTC" });
  });

  it("gives the person's clock another time zone at once, in every answer", async () => {
    const person = await Person.signUp({ time_zone: "UTC" });
    const { id, due } = await person.runForTask("create_task", { title: "Call", due: "2026-12-24T18:00:00" });
    expect(due).toBe("2026-12-24T18:00:00+00:00");
    await change(person, { time_zone: "America/New_York" });

    expect(await person.runForTask("get_task", { task_id: id })).toHaveProperty("due", "2026-12-24T13:00:00-05:00");
  });

  it("begins the person's week with another day at once", async () => {
    const days = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
    const person = await Person.signUp({ time_zone: "Pacific/Kiritimati" });
    const today = String((await person.run("list_tasks")).now).slice(0, 10);
    const dayIn = (count: number) => new Date(Date.parse(today) + count * 86_400_000).toISOString().slice(0, 10);
    for (let count = -7; count <= 7; count += 1) await person.run("create_task", { title: "Due", due: dayIn(count) });
    for (const [index, week_start] of days.entries()) {
      expect((await change(person, { week_start })).status).toBe(200);
      const since = (new Date(today).getUTCDay() - index + 7) % 7;
      const { tasks } = await person.run("list_tasks", { due: "this_week" });
      expect(tasks.map(({ due }) => due)).toEqual([0, 1, 2, 3, 4, 5, 6].map((day) => dayIn(day - since)));
    }
  });

  it.each([
    [{}, "", "must name what is to change: name, time_zone, week_start or email"],
    [{ name: " " }, "name", "must be 1 to 100 characters long"],
    [{ name: "x".repeat(101) }, "name", "must be 1 to 100 characters long"],
    [{ name: "Ada\nLöwe" }, "name", "must be one line without control characters"],
    [{ name: null }, "name", "must be a string"],
    [{ time_zone: "Mars/Olympus" }, "time_zone", "must be an IANA time zone such as Europe/Berlin"],
    [{ name: "Eve", time_zone: "CET" }, "time_zone", "must be an IANA time zone such as Europe/Berlin"],
    // JavaScript knows it and Postgres does not.
    [{ name: "Eve", time_zone: "US/Pacific-New" }, "time_zone", "must be an IANA time zone"],
    [
      { week_start: "Moonday" },
      "week_start",
      "must be one of monday, tuesday, wednesday, thursday, friday, saturday, sunday",
    ],
    [{ id: 1 }, "id", "is not a known field"],
  ])("is left as it is by %j", async (body, field, message) => {
    const person = await Person.signUp({ name: "Ada" });
    const before = await accountOf(person);
    const response = await change(person, body);

    expect(response.status).toBe(400);
    expect((await problemOf(response)).errors).toEqual([{ field, message: expect.stringContaining(message) }]);
    expect(await accountOf(person)).toEqual(before);
  });
});

describe("another e-mail", () => {
  const newEmail = () => `New.${crypto.randomUUID()}@Example.com`;
  const confirm = (token: string) => send("/api/auth/email", { method: "POST", body: { token } });
  const signInStatus = async (email: string) =>
    (await send("/api/auth/signin", { method: "POST", body: { email, password: PASSWORD } })).status;

  /** Somebody who has asked for another e-mail, and the token that went there. */
  async function personWithLink() {
    const mailbox = Mailbox.open();
    const person = await Person.signUp({ name: "Ada" });
    const email = newEmail();
    expect((await change(person, { email, password: PASSWORD })).status).toBe(200);
    return { mailbox, person, email, token: await mailbox.token("email_verification", email) };
  }

  it("is the account's once the link was opened that is sent there, and the old one is told", async () => {
    const mailbox = Mailbox.open();
    const person = await Person.signUp({ name: "Ada" });
    const { email: oldEmail } = person.session.user;
    const email = newEmail();
    const asked = await change(person, { email, password: PASSWORD, name: "Ada Löwe" });
    expect(await asked.json()).toEqual({
      user: { ...person.session.user, name: "Ada Löwe", week_start: "monday" },
      confirmation: { email, expires_in: 1800 },
    });
    const token = await mailbox.token("email_verification", email);
    const [kept] = await ownerQuery("select to_jsonb(l)::text as row from account_links as l where user_id = $1", [
      person.id,
    ]);
    expect(kept?.row).not.toContain(token);
    expect([await signInStatus(oldEmail), await signInStatus(email)]).toEqual([200, 401]);

    const confirmed = await confirm(token);
    expect(confirmed.status).toBe(200);
    expect(await confirmed.json()).toEqual({ user: { ...person.session.user, email, name: "Ada Löwe" } });
    expect([await signInStatus(oldEmail), await signInStatus(email)]).toEqual([401, 200]);
    expect((await person.send("/api/auth/me")).status).toBe(200);
    expect(await mailbox.next("email_changed", oldEmail)).not.toHaveProperty("link");
    expect((await confirm(token)).status).toBe(400);
  });

  it.each([
    [{ password: "wrong password" }, 403],
    [{ password: undefined }, 400],
    [{ email: "nobody" }, 400],
    [{ time_zone: "US/Pacific-New" }, 400],
  ])("is not asked for with %j, and nothing else is done", async (fault, status) => {
    const mailbox = Mailbox.open();
    const person = await Person.signUp({ name: "Ada" });
    const before = await accountOf(person);
    const body = { name: "Eve", email: newEmail(), password: PASSWORD, ...fault };

    expect((await change(person, body)).status).toBe(status);
    expect(await accountOf(person)).toEqual(before);
    expect(await ownerQuery("select hash from account_links where user_id = $1", [person.id])).toEqual([]);
    expect(mailbox.posted).toEqual([]);
  });

  it("is not one that somebody has, when it is asked for and when it is confirmed", async () => {
    const { person, email, token } = await personWithLink();
    const other = await Person.signUp();
    const taken = await change(person, { email: other.session.user.email.toUpperCase(), password: PASSWORD });
    expect(taken.status).toBe(409);
    expect((await problemOf(taken)).errors).toEqual([{ field: "email", message: "already has an account" }]);
    await ownerQuery("update users set email = $1 where id = $2", [email.toLowerCase(), other.id]);
    const late = await confirm(token);

    expect(late.status).toBe(409);
    expect((await problemOf(late)).detail).toContain("has become another account's meanwhile");
    expect(await accountOf(person)).toMatchObject({ email: person.session.user.email });
  });

  it("is the one that was asked for last", async () => {
    const { mailbox, person, token } = await personWithLink();
    const second = newEmail();
    await change(person, { email: second, password: PASSWORD });

    expect((await confirm(token)).status).toBe(400);
    expect((await confirm(await mailbox.token("email_verification", second))).status).toBe(200);
  });

  it("is no way around a new password: what was asked for with the old one has ended", async () => {
    const { person, token } = await personWithLink();
    const body = { password: PASSWORD, new_password: "staple that nobody knows" };
    expect((await person.send("/api/auth/password", { method: "POST", body })).status).toBe(200);

    expect((await confirm(token)).status).toBe(400);
    expect(await accountOf(person)).toMatchObject({ email: person.session.user.email });
  });

  it("ends the links that went to the old one", async () => {
    const { mailbox, person, token } = await personWithLink();
    const { email } = person.session.user;
    await send("/api/auth/password/forgot", { method: "POST", body: { email } });
    const resetToken = await mailbox.token("password_reset", email);
    expect((await confirm(token)).status).toBe(200);

    const body = { token: resetToken, new_password: "staple that nobody knows" };
    expect((await send("/api/auth/password/reset", { method: "POST", body })).status).toBe(400);
  });

  it("is confirmed by the call whose answer of the database was lost", async () => {
    const { mailbox, person, token } = await personWithLink();
    loseFirstAnswer("confirm_email(");

    expect((await confirm(token)).status).toBe(200);
    expect(await mailbox.next("email_changed", person.session.user.email)).toBeDefined();
  });

  it("cannot be asked for where no mails are sent", async () => {
    const person = await Person.signUp();
    const context = createExecutionContext();
    const request = new Request(`${ORIGIN}/api/auth/me`, {
      method: "PATCH",
      body: JSON.stringify({ email: newEmail(), password: PASSWORD }),
      headers: { ...person.authorization, "Content-Type": "application/json", "CF-Connecting-IP": newAddress() },
    });
    const response = await worker.fetch(request, { ...env, MAIL_WEBHOOK_URL: undefined }, context);
    await waitOnExecutionContext(context);

    expect(response.status).toBe(400);
    expect((await problemOf(response)).errors).toMatchObject([{ field: "email" }]);
  });
});
