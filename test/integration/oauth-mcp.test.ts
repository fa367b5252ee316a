import { env } from "cloudflare:workers";
import { createHash } from "node:crypto";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { ACCEPT, answersOf, callBody, initializeParams, PROTOCOL } from "../support/mcp.ts";
import { connect, post, refresh, tokensOf } from "../support/oauth.ts";
import { Person, send } from "../support/person.ts";

// A session of MCP outlives the tokens of the client that opened it.

let person: Person;

beforeAll(async () => {
  person = await Person.signUp();
  await person.run("create_task", { title: "In a session" });
});

afterEach(() => {
  vi.useRealTimers();
});

/** A session that each request may come to with another token. */
async function openSession(token: string) {
  const headers = { Accept: ACCEPT, "Mcp-Protocol-Version": PROTOCOL };
  const opened = await send("/mcp", {
    method: "POST",
    body: { jsonrpc: "2.0", id: 0, method: "initialize", params: initializeParams() },
    headers: { ...headers, Authorization: `Bearer ${token}` },
  });
  await opened.text();
  const id = opened.headers.get("Mcp-Session-Id") ?? "";
  return {
    async statusOfCall(by: string): Promise<number> {
      const response = await send("/mcp", {
        method: "POST",
        // By the session's object, which remembers what was signed out.
        body: callBody(1, "create_task", { title: "Buy milk" }),
        headers: { ...headers, Authorization: `Bearer ${by}`, "Mcp-Session-Id": id },
      });
      if (response.status === 200) expect((await answersOf(response))[0]?.result).not.toHaveProperty("isError", true);
      else expect(response.headers.get("WWW-Authenticate")).toContain("resource_metadata=");
      return response.status;
    },
  };
}

/** Has KV show an access token as it is now, as it does for a minute whatever becomes of it. */
async function keepShowing(token: string): Promise<() => Promise<void>> {
  const [user, grant] = token.split(":");
  const hash = createHash("sha256").update(token).digest("hex");
  const key = `token:${user}:${grant}:${hash}`;
  const shown = (await env.OAUTH_KV.get(key)) ?? "";
  return () => env.OAUTH_KV.put(key, shown, { expirationTtl: 60 });
}

describe("a session", () => {
  it("goes on with the next token, after the one that opened it has expired", async () => {
    const { clientId, tokens } = await connect(person);
    const session = await openSession(tokens.access_token);
    expect(await session.statusOfCall(tokens.access_token)).toBe(200);

    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 61 * 60_000 });

    expect(await session.statusOfCall(tokens.access_token)).toBe(401);
    const next = await tokensOf(await refresh(clientId, tokens.refresh_token));
    expect(await session.statusOfCall(next.access_token)).toBe(200);
  });

  it("refuses a token that its client has ended, and no other of it", async () => {
    const { clientId, tokens } = await connect(person);
    const session = await openSession(tokens.access_token);
    const next = await tokensOf(await refresh(clientId, tokens.refresh_token));
    const show = await keepShowing(tokens.access_token);
    await post("/oauth/revoke", { token: tokens.access_token, client_id: clientId });
    await show();

    expect(await session.statusOfCall(tokens.access_token)).toBe(401);
    expect(await session.statusOfCall(next.access_token)).toBe(200);
    expect(await session.statusOfCall(tokens.access_token)).toBe(401);
    expect(await session.statusOfCall(next.access_token)).toBe(200);
  });

  it("refuses every token of a client that was cut off", async () => {
    const { clientId, tokens } = await connect(person);
    const session = await openSession(tokens.access_token);
    const next = await tokensOf(await refresh(clientId, tokens.refresh_token));
    await post("/oauth/revoke", { token: next.refresh_token, client_id: clientId });

    expect(await session.statusOfCall(next.access_token)).toBe(401);
    expect(await session.statusOfCall(tokens.access_token)).toBe(401);
  });
});
