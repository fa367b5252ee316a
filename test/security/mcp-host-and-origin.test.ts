import { describe, expect, it } from "vitest";
import { ClientSession, PING, statelessRequest, tryAll } from "../support/mcp.ts";
import { Person, problemOf, send } from "../support/person.ts";

describe("Host and Origin", () => {
  it.each(["127.0.0.1:8787", "localhost:8787", "LOCALHOST:8787", "[::1]:8787"])("let in Host %s", async (host) => {
    const person = await Person.signUp();
    expect((await statelessRequest(person, "tools/list", {}, { Host: host })).status).toBe(200);
  });

  it.each(["evil.example", "127.0.0.1", "127.0.0.1:80", "localhost.evil.example:8787"])(
    "keep out Host %s",
    async (host) => {
      const session = await ClientSession.open(await Person.signUp());
      expect(await tryAll(session, { Host: host })).toEqual([403, 403, 403, 403, 403, 403, 403]);
      // It may have been deployed without an environment.
      expect((await problemOf(await session.post(PING, { Host: host }))).detail).toMatch(
        /the host of its BASE_URL, http:\/\/127\.0\.0\.1:8787\. It is the development environment: .*--env production/,
      );
    },
  );

  it.each(["http://127.0.0.1:8787", "http://localhost:8787", "http://[::1]:8787"])(
    "let in Origin %s",
    async (origin) => {
      const person = await Person.signUp();
      expect((await statelessRequest(person, "tools/list", {}, { Origin: origin })).status).toBe(200);
    },
  );

  it.each(["https://evil.example", "null", "https://127.0.0.1:8787", "http://localhost:9999", "moz-extension://x"])(
    "keep out Origin %s",
    async (origin) => {
      const person = await Person.signUp();
      const session = await ClientSession.open(person);
      const stateless = await statelessRequest(person, "tools/list", {}, { Origin: origin });

      expect((await problemOf(stateless)).status).toBe(403);
      expect(await tryAll(session, { Origin: origin })).toEqual([403, 403, 403, 403, 403, 403, 403]);
      expect((await session.request("ping")).result).toEqual({});
    },
  );

  it("are checked before the token is", async () => {
    expect(
      (await send("/mcp", { method: "POST", body: PING, headers: { Origin: "https://evil.example" } })).status,
    ).toBe(403);
  });

  it("let a page of CORS_ORIGINS send and read what MCP needs", async () => {
    const origin = "http://localhost:8787";
    const names = "mcp-session-id, mcp-protocol-version, last-event-id, mcp-method, mcp-name, authorization";
    const preflight = await send("/mcp", {
      method: "OPTIONS",
      headers: {
        Origin: origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": names,
      },
    });
    const allowed = preflight.headers.get("Access-Control-Allow-Headers")?.toLowerCase() ?? "";
    const actual = await statelessRequest(await Person.signUp(), "tools/list", {}, { Origin: origin });

    expect(preflight.headers.get("Access-Control-Allow-Origin")).toBe(origin);
    for (const name of names.split(", ")) expect(allowed).toContain(name);
    expect(actual.headers.get("Access-Control-Expose-Headers")).toContain("Mcp-Session-Id");
  });
});
