import { describe, expect, it, onTestFinished, vi } from "vitest";
import { z } from "zod";
import { ownerQuery } from "../support/owner.ts";
import { PASSWORD, Person, problemOf, send } from "../support/person.ts";

const signIn = (email: string, password: string) =>
  send("/api/auth/signin", { method: "POST", body: { email, password } });

describe("signing up", () => {
  it("makes an account and signs in to it", async () => {
    const email = `Ada.${crypto.randomUUID()}@Example.com`;
    const person = await Person.signUpByHttp({ email, name: "Ada Löwe", time_zone: "Europe/Berlin" });

    expect(person.session).toMatchObject({
      expires_in: 86_400,
      user: { email, name: "Ada Löwe", time_zone: "Europe/Berlin" },
    });
    const [row] = await ownerQuery("select * from users where id = $1", [person.id]);
    expect(row).toMatchObject({ email, name: "Ada Löwe", time_zone: "Europe/Berlin" });
    expect(row?.password_hash).toMatch(/^\$scrypt\$ln=14,r=8,p=5\$/);
  });

  it("takes the name from the e-mail and UTC for the time zone where none is given", async () => {
    const name = crypto.randomUUID();
    const { session } = await Person.signUpByHttp({ email: `${name}@example.com` });

    expect(session.user).toMatchObject({ name, time_zone: "UTC" });
  });

  it("cuts a name that it takes from the e-mail to what a name may be", async () => {
    const localPart = crypto.randomUUID().padEnd(150, "x");
    const { session } = await Person.signUpByHttp({ email: `${localPart}@example.com` });

    expect(session.user.name).toBe(localPart.slice(0, 100));
  });

  it("refuses an e-mail that is taken, in whatever case", async () => {
    const { session } = await Person.signUp();
    const response = await send("/api/auth/signup", {
      method: "POST",
      body: { email: session.user.email.toUpperCase(), password: PASSWORD },
    });

    expect(response.status).toBe(409);
    expect((await problemOf(response)).errors).toEqual([
      { field: "email", message: "already has an account; sign in instead" },
    ]);
  });

  it.each([
    ["that of its connection", "Asia/Kathmandu", {}, "Asia/Kathmandu"],
    ["that which the browser sends, before that of its connection", "Asia/Kathmandu", { time_zone: "UTC" }, "UTC"],
    ["UTC where that of its connection is none that Postgres knows", "US/Pacific-New", {}, "UTC"],
    ["UTC where that of its connection is none", "Mars/Olympus", {}, "UTC"],
  ])("takes %s", async (_, timezone, given, expected) => {
    const response = await send("/api/auth/signup", {
      method: "POST",
      body: { email: `${crypto.randomUUID()}@example.com`, password: PASSWORD, week_start: "saturday", ...given },
      cf: { timezone },
    });
    expect(response.status).toBe(201);
    const { user } = z.object({ user: z.looseObject({ id: z.int() }) }).parse(await response.json());
    expect(user).toMatchObject({ time_zone: expected });
    expect(await ownerQuery("select week_start from users where id = $1", [user.id])).toEqual([
      { week_start: "saturday" },
    ]);
  });

  it("refuses a time zone that Postgres does not know", async () => {
    const body = { email: `${crypto.randomUUID()}@example.com`, password: PASSWORD, time_zone: "US/Pacific-New" };
    const response = await send("/api/auth/signup", { method: "POST", body });

    expect(response.status).toBe(400);
    expect((await problemOf(response)).detail).toMatch(/^time_zone must be an IANA time zone/);
  });

  it.each(["UTC", "gmt", "Etc/GMT+5", "europe/berlin", "Japan"])("takes the time zone %s", async (timeZone) => {
    expect((await Person.signUpByHttp({ time_zone: timeZone })).session.user.time_zone).toBe(timeZone);
  });

  it("makes one account when two ask for it at once", async () => {
    const body = { email: `${crypto.randomUUID()}@example.com`, password: PASSWORD };
    const statuses = await Promise.all(
      [1, 2].map(async () => (await send("/api/auth/signup", { method: "POST", body })).status),
    );

    expect(statuses.sort()).toEqual([201, 409]);
  });

  it.each([
    [{ email: "nobody" }, "email", "must be an e-mail address"],
    [{ email: undefined }, "email", "is required"],
    [{ password: "1234567" }, "password", "must be 8 to 200 characters long"],
    [{ password: "x".repeat(201) }, "password", "must be 8 to 200 characters long"],
    [{ password: 12_345_678 }, "password", "must be a string"],
    [{ time_zone: "Mars/Olympus" }, "time_zone", "must be an IANA time zone such as Europe/Berlin"],
    [{ time_zone: "+05:00" }, "time_zone", "must be an IANA time zone such as Europe/Berlin"],
    [{ time_zone: "-03" }, "time_zone", "must be an IANA time zone such as Europe/Berlin"],
    [{ time_zone: "CET" }, "time_zone", "must be an IANA time zone such as Europe/Berlin"],
    [{ name: " " }, "name", "must be 1 to 100 characters long"],
    [{ role: "admin" }, "role", "is not a known field"],
  ])("refuses %j", async (change, field, message) => {
    const email = `${crypto.randomUUID()}@example.com`;
    const response = await send("/api/auth/signup", { method: "POST", body: { email, password: PASSWORD, ...change } });

    expect(response.status).toBe(400);
    expect((await problemOf(response)).errors).toEqual([{ field, message }]);
    expect(await ownerQuery("select id from users where email = $1", [email])).toEqual([]);
  });
});

describe("signing in", () => {
  it("knows the account in whatever case its e-mail is typed, and the password in either Unicode form", async () => {
    const { session } = await Person.signUpByHttp({ password: "Pässword ①" });
    const response = await signIn(` ${session.user.email.toUpperCase()} `, "Pa\u0308ssword 1");

    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ token_type: "Bearer", user: session.user });
  });

  it("gives the same answer for a wrong password and an unknown e-mail", async () => {
    const { session } = await Person.signUp();
    const wrong = await signIn(session.user.email, "not the password");
    const unknown = await signIn(`${crypto.randomUUID()}@example.com`, PASSWORD);

    for (const response of [wrong, unknown]) {
      expect(response.status).toBe(401);
      expect(response.headers.get("WWW-Authenticate")).toBe('Bearer realm="mcp-task-server"');
      expect((await problemOf(response)).detail).toBe("The e-mail or the password is wrong.");
    }
  });

  it.each([
    ["a letter that only Postgres takes for i", (email: string) => email.replace("i", "\u0130")],
    ["U+0000", (email: string) => `\0${email}`],
    ["a lone surrogate", (email: string) => `\uD800${email}`],
    ["no @", (email: string) => email.replace("@", ".")],
  ])("takes an e-mail with %s for an unknown one", async (_, change) => {
    const { session } = await Person.signUpByHttp({ email: `ij.${crypto.randomUUID()}@example.com` });
    const response = await signIn(change(session.user.email), PASSWORD);

    expect(response.status).toBe(401);
    expect((await problemOf(response)).detail).toBe("The e-mail or the password is wrong.");
  });

  const timesOf = async (...emails: (() => string)[]) => {
    const times = emails.map((): number[] => []);
    for (let round = 0; round < 5; round += 1) {
      for (const [index, email] of emails.entries()) {
        const startedAt = performance.now();
        await signIn(email(), "not the password");
        times[index]?.push(performance.now() - startedAt);
      }
    }
    return times;
  };

  it("takes as long for an unknown e-mail as for a wrong password", async () => {
    const { session } = await Person.signUpByHttp();
    const [known = [], unknown = []] = await timesOf(
      () => session.user.email,
      () => `${crypto.randomUUID()}@example.com`,
    );

    expect(median(unknown) / median(known)).toBeGreaterThan(0.6);
    expect(median(unknown) / median(known)).toBeLessThan(1.7);
  });

  it("hashes nothing for an e-mail that no account can have", async () => {
    const [unknown = [], impossible = []] = await timesOf(
      () => `${crypto.randomUUID()}@example.com`,
      () => "nobody",
    );

    expect(Math.min(...impossible)).toBeLessThan(Math.min(...unknown) / 2);
  });
});

describe("me", () => {
  it("says who the token's user is", async () => {
    const person = await Person.signUp();
    const response = await person.send("/api/auth/me");

    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ user: { ...person.session.user, week_start: "monday" } });
  });
});

describe("signing out", () => {
  it("ends that token at once and no other", async () => {
    const person = await Person.signUp();
    const other = await signIn(person.session.user.email, PASSWORD);
    const { token } = await other.json<{ token: string }>();

    expect((await person.send("/api/auth/signout", { method: "POST" })).status).toBe(204);

    const refused = await person.call("list_tasks", {});
    expect(refused.status).toBe(401);
    expect(refused.headers.get("WWW-Authenticate")).toContain('error="invalid_token"');
    expect((await problemOf(refused)).detail).toBe(
      "The token no longer counts: it was signed out or cut off, or its account was deleted. Sign in for another.",
    );
    expect((await send("/api/auth/me", { headers: { Authorization: `Bearer ${token}` } })).status).toBe(200);
  });

  it("ends every token when asked to, and lets the user sign in again in the same second", async () => {
    const person = await Person.signUp();
    const before = await signIn(person.session.user.email, PASSWORD);
    const { token: old } = await before.json<{ token: string }>();

    const response = await person.send("/api/auth/signout", { method: "POST", body: { everywhere: true } });
    expect(response.status).toBe(204);
    expect((await person.send("/api/auth/me")).status).toBe(401);
    expect((await send("/api/auth/me", { headers: { Authorization: `Bearer ${old}` } })).status).toBe(401);

    const again = await signIn(person.session.user.email, PASSWORD);
    const { token } = await again.json<{ token: string }>();
    expect((await send("/api/auth/me", { headers: { Authorization: `Bearer ${token}` } })).status).toBe(200);
  });

  it("is over for a token whose user is gone", async () => {
    const person = await Person.signUp();
    await ownerQuery("delete from users where id = $1", [person.id]);

    expect((await person.call("create_task", { title: "Orphan" })).status).toBe(401);
  });
});

it("ends, by signing out everywhere, a sign-in whose password is being compared at that moment", async () => {
  const person = await Person.signUp();
  const fetchBefore = globalThis.fetch;
  let signedOut: Response | undefined;
  onTestFinished(() => void vi.restoreAllMocks());
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const answer = await fetchBefore(input, init);
    const isLookUp = typeof init?.body === "string" && init.body.includes("find_credentials");
    if (isLookUp && signedOut === undefined) {
      signedOut = await person.send("/api/auth/signout", { method: "POST", body: { everywhere: true } });
    }
    return answer;
  });
  const response = await signIn(person.session.user.email, PASSWORD);
  const { token } = await response.json<{ token: string }>();

  expect(signedOut?.status).toBe(204);
  expect((await send("/api/auth/me", { headers: { Authorization: `Bearer ${token}` } })).status).toBe(401);
});

it("signs in the runbook's account", async () => {
  await send("/api/auth/signup", { method: "POST", body: { email: "test@example.com", password: "TestPass123" } });
  const response = await signIn("test@example.com", "TestPass123");

  expect(response.status).toBe(200);
  expect(await response.json()).toHaveProperty("token", expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/));
});

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
