import { createExecutionContext, env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import worker from "../../src/worker.ts";
import { ask } from "../support/consent.ts";
import { newAddress, ORIGIN } from "../support/person.ts";

// With limiters that stand in: the real ones count by the minute on the clock, which may end in between.
describe("limits", () => {
  const spent: RateLimit = { limit: async () => ({ success: false }) };

  /** A limiter that lets everything pass, and what it was asked to count against. */
  function counting(): { readonly limiter: RateLimit; readonly keys: string[] } {
    const keys: string[] = [];
    const limit: RateLimit["limit"] = async ({ key }) => {
      keys.push(key);
      return { success: true };
    };
    return { limiter: { limit }, keys };
  }

  const sendWith = (limiters: Partial<Env>, path: string, init: RequestInit & { headers: Record<string, string> }) =>
    worker.fetch(new Request(`${ORIGIN}${path}`, init), { ...env, ...limiters }, createExecutionContext());

  const from = newAddress();
  const form = (fields: Record<string, string>) => ({
    method: "POST",
    headers: { "CF-Connecting-IP": from, "Content-Type": "application/x-www-form-urlencoded", Origin: ORIGIN },
    body: new URLSearchParams(fields).toString(),
  });
  const guess = { action: "sign_in", email: "Somebody@Example.com", password: "wrong password" };

  it("a guess counts against its e-mail, as one at the API does, and is refused in the form", async () => {
    const { path } = await ask();
    const { limiter, keys } = counting();
    await sendWith({ SIGN_IN_EMAIL_RATE_LIMITER: limiter }, path, form(guess));
    const body = JSON.stringify({ email: guess.email, password: guess.password });
    const headers = { "CF-Connecting-IP": from, "Content-Type": "application/json" };
    await sendWith({ SIGN_IN_EMAIL_RATE_LIMITER: limiter }, "/api/auth/signin", { method: "POST", headers, body });
    expect(keys).toEqual(["somebody@example.com", "somebody@example.com"]);

    const limited = await sendWith({ SIGN_IN_EMAIL_RATE_LIMITER: spent }, path, form(guess));
    expect(limited.status).toBe(429);
    expect(limited.headers.get("Retry-After")).toBe("60");
    const html = await limited.text();
    expect(html).toMatch(/role="alert">Too many requests; try again in 60 seconds\./);
    expect(html).toContain('value="Somebody@Example.com"');
  });

  it("forms count against their address as sign-ins do, pages beside them, and a page says so", async () => {
    const { path } = await ask();
    const { limiter, keys } = counting();
    const page = { headers: { "CF-Connecting-IP": from } };
    await sendWith({ SIGN_IN_ADDRESS_RATE_LIMITER: limiter }, path, form(guess));
    await sendWith({ SIGN_IN_ADDRESS_RATE_LIMITER: limiter }, path, page);
    expect(keys).toEqual([from, `authorize ${from}`]);

    for (const init of [form(guess), page]) {
      const limited = await sendWith({ SIGN_IN_ADDRESS_RATE_LIMITER: spent }, path, init);
      expect(limited.status).toBe(429);
      expect(limited.headers.get("Retry-After")).toBe("60");
      expect(limited.headers.get("Content-Type")).toMatch(/^text\/html/);
      expect(await limited.text()).toContain("Too many requests; try again in 60 seconds.");
    }
  });
});
