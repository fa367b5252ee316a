import { describe, expect, it } from "vitest";
import { ALLOW, ask, ConsentBrowser } from "../support/consent.ts";
import { authorizationUrl, callTool, newPkce, post, register } from "../support/oauth.ts";
import { ORIGIN, PASSWORD, Person, send } from "../support/person.ts";

// Of what a client or a stranger may send as text some is none that Postgres or KV keeps. It is no error of ours.

describe("a client connects", () => {
  it.each(["a\0b", "\0", "\ud800", "a\u0001b", "\u202e", "x".repeat(5_000)])("that calls itself %j", async (name) => {
    const person = await Person.signUp();
    const browser = new ConsentBrowser();
    const parameters = { state: "a\0b", login_hint: "a\0b@example.com", scope: "tasks:read \0" };
    const asked = await ask(parameters, { name });
    const consent = await browser.signIn(asked, person.session.user.email, PASSWORD);
    const { ledTo } = await browser.submit(consent, ALLOW);
    const { access_token } = await asked.exchange(ledTo);

    expect(ledTo?.searchParams.get("state")).toBe("a\0b");
    expect((await callTool(access_token, "list_tasks")).status).toBe(200);
    expect((await person.send("/api/auth/clients")).status).toBe(200);
  });
});

it.each(["a\0b", "\0", "client:\0", "https://client.example/\0", "https://client.example/%00", "x".repeat(5_000)])(
  "no client is called %j, and asking for it is refused",
  async (client_id) => {
    const asked = authorizationUrl({ client_id, code_challenge: newPkce().challenge });
    const token = "1:AAAAAAAAAAAAAAAA:\0";
    const answers = [
      await send(asked.slice(ORIGIN.length), { redirect: "manual" }),
      await post("/oauth/token", { grant_type: "refresh_token", refresh_token: token, client_id }),
      await post("/oauth/token", { grant_type: "authorization_code", code: token, code_verifier: "\0", client_id }),
    ];
    for (const { status } of answers) expect([400, 401]).toContain(status);
    expect((await post("/oauth/revoke", { token, client_id })).status).toBeLessThan(500);
  },
);

it("nothing that is registered, and no link's token, is an error of ours", async () => {
  const odd = {
    contacts: ["\0"],
    software_id: "\0",
    scope: "\0",
    client_uri: "https://client.example/\0",
    tos_uri: "\0",
  };
  expect((await send("/oauth/register", { method: "POST", body: { ...odd, redirect_uris: ["\0"] } })).status).toBe(400);
  expect(await register({ contacts: ["\0"], software_id: "\0", scope: "\0" })).toHaveProperty("client_id");
  for (const path of [
    "/account/reset-password?token=%00",
    "/account/confirm-email?token=%00",
    "/authorize?client_id=%00",
  ]) {
    expect((await send(path)).status).toBeLessThan(500);
  }
});
