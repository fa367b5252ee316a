import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { holdDatabase } from "../support/database-requests.ts";
import { ACCEPT, ClientSession, initializeParams, statelessRequest } from "../support/mcp.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person } from "../support/person.ts";

/** Counts the requests that tell the database the name of the tests' client. */
function countNamed(person: Person) {
  const requests = holdDatabase(person, `"client":"${initializeParams().clientInfo.name}"`);
  requests.release();
  return requests;
}

describe("the name of the client stands beside the last use of a credential", () => {
  const lastClient = async (person: Person) => {
    const [row] = await ownerQuery("select last_client from personal_tokens where user_id = $1", [person.id]);
    return row?.last_client;
  };

  it("of a session, from its first request on", async () => {
    const person = await Person.signUp();
    await ClientSession.open(await person.withScopes(["tasks:read"]));

    expect(await lastClient(person)).toBe("test");
  });

  it("of protocol 2026-07-28, whatever it asks for", async () => {
    const person = await Person.signUp();
    await statelessRequest(await person.withScopes(["tasks:read"]), "tools/list");

    expect(await lastClient(person)).toBe("test");
  });
});

it.each(["a\u0000b", "a\ud800b"])("that Postgres cannot keep, %j, is made one that it can", async (name) => {
  const person = await Person.signUp();
  const scoped = await person.withScopes(["tasks:read"]);
  const params = { ...initializeParams(), clientInfo: { name, version: "1" } };
  const body = { jsonrpc: "2.0", id: 1, method: "initialize", params };
  expect((await scoped.send("/mcp", { method: "POST", headers: { Accept: ACCEPT }, body })).status).toBe(200);
  const [row] = await ownerQuery("select last_client from personal_tokens where user_id = $1", [person.id]);

  expect(row?.last_client).toBe(name === "a\u0000b" ? "ab" : "a\ufffdb");
});

describe("the name of the client is told to the database with each call", () => {
  it.each([
    ["a change", "create_task", { title: "Buy milk" }],
    ["a reading", "list_tasks", {}],
  ])("of a session, before and after an eviction, for %s", async (_, tool, input) => {
    const person = await Person.signUp();
    const session = await ClientSession.open(person);
    using named = countNamed(person);
    await session.call(tool, input);
    const before = named.count;
    const objectId = session.id.split(".", 1).join("");
    await evictDurableObject(env.MCP_SESSIONS.get(env.MCP_SESSIONS.idFromString(objectId)));
    await session.call(tool, input);

    expect([before, named.count]).toEqual([1, 2]);
  });

  it("of protocol 2026-07-28", async () => {
    const person = await Person.signUp();
    using named = countNamed(person);
    await statelessRequest(person, "tools/call", { name: "list_tasks", arguments: {} });

    expect(named.count).toBe(1);
  });
});
