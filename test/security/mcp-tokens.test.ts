import { afterEach, describe, expect, it, vi } from "vitest";
import { failDatabase, loseAnswers } from "../support/database-requests.ts";
import {
  ACCEPT,
  answersOf,
  ClientSession,
  callBody,
  initializeParams,
  PING,
  statelessRequest,
} from "../support/mcp.ts";
import { ownerQuery } from "../support/owner.ts";
import { ORIGIN, Person, problemOf, send } from "../support/person.ts";

const CREATE = callBody(2, "create_task", { title: "whose?" });
const TITLE = "signed out in the middle";
const KEYED = { name: "create_task", arguments: { title: TITLE, idempotency_key: "in the middle" } };

/** Ends a token in the database alone: no isolate has seen it happen. */
function signOut(person: Person): Promise<unknown> {
  return ownerQuery("update users set signed_out_at = now() where id = $1", [person.id]);
}

/** Ends a token after what this isolate has learned of it is of no more use. */
async function signOutElsewhere(person: Person): Promise<void> {
  await signOut(person);
  const now = Date.now();
  vi.spyOn(Date, "now").mockImplementation(() => now + 61_000);
}

function openingRequest(person: Person): Promise<Response> {
  const initialize = { jsonrpc: "2.0", id: 1, method: "initialize", params: initializeParams() };
  return person.send("/mcp", { method: "POST", headers: { Accept: ACCEPT }, body: initialize });
}

afterEach(() => vi.restoreAllMocks());

describe("a token", () => {
  it.each(["GET", "POST", "DELETE"])("is asked for, as RFC 6750 says: %s", async (method) => {
    const body = method === "POST" ? PING : undefined;
    const missing = await send("/mcp", { method, body, headers: { Accept: ACCEPT } });
    const wrong = await send("/mcp", { method, body, headers: { Accept: ACCEPT, Authorization: "Bearer x.y.z" } });

    expect((await problemOf(missing)).status).toBe(401);
    const offer = `resource_metadata="${ORIGIN}/.well-known/oauth-protected-resource/mcp", scope="tasks:read tasks:write"`;
    expect(missing.headers.get("WWW-Authenticate")).toBe(`Bearer realm="mcp-task-server", ${offer}`);
    expect((await problemOf(wrong)).status).toBe(401);
    expect(wrong.headers.get("WWW-Authenticate")).toBe(
      `Bearer realm="mcp-task-server", error="invalid_token", error_description="The bearer token is not valid or has expired; sign in again.", ${offer}`,
    );
  });

  it("is asked for with the scope to read alone, where the connection is to read only", async () => {
    const response = await send("/mcp?readonly", { method: "POST", body: PING, headers: { Accept: ACCEPT } });

    expect(response.headers.get("WWW-Authenticate")).toMatch(/scope="tasks:read"$/);
  });

  it.each(["/api/auth/me", "/chat"])("of OAuth is not offered for what it is not taken for: %s", async (path) => {
    const response = await send(path, { method: path === "/chat" ? "POST" : "GET" });

    expect(response.headers.get("WWW-Authenticate")).toBe('Bearer realm="mcp-task-server"');
  });

  it("that was signed out is told where to get another, in both modes", async () => {
    const person = await Person.signUp();
    const session = await ClientSession.open(person);
    await signOut(person);
    for (const response of [
      await session.post(CREATE),
      await statelessRequest(person, "tools/call", { name: "create_task", arguments: { title: "whose?" } }),
    ]) {
      expect(response.status).toBe(401);
      expect(response.headers.get("WWW-Authenticate")).toContain('/.well-known/oauth-protected-resource/mcp", scope="');
    }
  });

  it("is never taken from a cookie", async () => {
    const { session } = await Person.signUp();
    for (const name of ["token", "session", "Authorization", "__Host-session"]) {
      const response = await send("/mcp", {
        method: "POST",
        body: PING,
        headers: { Cookie: `${name}=${session.token}` },
      });
      expect(response.status).toBe(401);
    }
  });

  const LIST = { jsonrpc: "2.0", id: 3, method: "tools/list" };
  const MISTAKEN = { jsonrpc: "2.0", id: 4, method: "tools/call", params: { name: "create_task", arguments: {} } };
  const UNKNOWN = { jsonrpc: "2.0", id: 5, method: "tools/call", params: { name: "no_such_tool", arguments: {} } };

  it.each<[string, (session: ClientSession, person: Person) => Promise<Response>]>([
    ["a tool", (session) => session.post(CREATE)],
    ["a tool with input that does not fit", (session) => session.post(MISTAKEN)],
    ["an unknown tool", (session) => session.post(UNKNOWN)],
    ["tools/list", (session) => session.post(LIST)],
    ["ping", (session) => session.post(PING)],
    ["a notification", (session) => session.post({ jsonrpc: "2.0", method: "notifications/initialized" })],
    ["what is no JSON", (session) => session.post("{")],
    ["the server's stream", (session) => session.get()],
    ["the end of the session", (session) => session.delete()],
    ["another session", (_, person) => openingRequest(person)],
    ["a tool, stateless", (_, person) => statelessRequest(person, "tools/call", { name: "list_tasks", arguments: {} })],
    [
      "input that does not fit, stateless",
      (_, person) => statelessRequest(person, "tools/call", { name: "get_task", arguments: { task_id: "x" } }),
    ],
    ["tools/list, stateless", (_, person) => statelessRequest(person, "tools/list")],
    ["server/discover", (_, person) => statelessRequest(person, "server/discover")],
    ["input that does not fit, HTTP", (_, person) => person.call("create_task", {})],
    ["an unknown tool, HTTP", (_, person) => person.call("no_such_tool", {})],
    ["what is no JSON, HTTP", (_, person) => person.call("create_task", "{")],
    ["a message that does not fit", (_, person) => person.send("/chat", { method: "POST", body: { message: 1 } })],
  ])("that was signed out is refused from the first request on: %s", async (_, request) => {
    const person = await Person.signUp();
    const session = await ClientSession.open(person);
    await signOutElsewhere(person);

    const response = await request(session, person);
    expect((await problemOf(response)).status).toBe(401);
    expect(response.headers.get("WWW-Authenticate")).toContain('error="invalid_token"');
  });

  it("that was signed out is relied on for a minute at most where no database is needed, and never by a tool", async () => {
    const person = await Person.signUp();
    expect((await statelessRequest(person, "tools/list")).status).toBe(200);
    await signOut(person);

    expect((await statelessRequest(person, "tools/list")).status).toBe(200);
    expect((await openingRequest(person)).status).toBe(401);
    expect((await statelessRequest(person, "tools/list")).status).toBe(401);
  });

  it("asks the database once for requests that do not need it", async () => {
    const person = await Person.signUp();
    using asked = loseAnswers(person, "set_caller");
    asked.release();
    for (const method of ["tools/list", "server/discover", "tools/list"]) {
      expect((await statelessRequest(person, method)).status).toBe(200);
    }
    expect(asked.count).toBe(1);
  });

  it("cannot be looked up while the database is away: 503 with Retry-After, and no list", async () => {
    const person = await Person.signUp();
    using _ = failDatabase(person, "set_caller");
    const response = await statelessRequest(person, "tools/list");

    expect((await problemOf(response)).status).toBe(503);
    expect(response.headers.get("Retry-After")).not.toBeNull();
  });

  it.each<[string, (session: ClientSession, person: Person, params: typeof KEYED) => Promise<Response>]>([
    ["a session", (session, _, params) => session.post({ ...CREATE, params })],
    [
      "a batch",
      (session, _, params) =>
        session.post([
          { ...CREATE, params },
          { ...CREATE, id: 9, params },
        ]),
    ],
    ["stateless", (_, person, params) => statelessRequest(person, "tools/call", params)],
    ["HTTP", (_, person, { arguments: input }) => person.call("create_task", input)],
  ])(
    "that is signed out in the middle of a call: 401 says that it may have been carried out: %s",
    async (_, request) => {
      const person = await Person.signUp();
      const session = await ClientSession.open(person, "2025-03-26");
      // Before the server repeats what was lost, however long that takes.
      using lost = loseAnswers(person, KEYED.arguments.title, {
        after: async () => {
          await signOut(person);
          lost.release();
        },
      });
      const response = await request(session, person, KEYED);
      expect(lost.count).toBeGreaterThan(0);

      const said = "the change may have been carried out. Repeat the call";
      if (response.headers.get("Content-Type") === "text/event-stream") {
        // A session's answer that takes a while has begun before it is known.
        expect(JSON.stringify(await answersOf(response))).toContain(said);
      } else {
        expect(response.status).toBe(401);
        expect(response.headers.get("WWW-Authenticate")).toContain('error="invalid_token"');
        expect((await problemOf(response)).detail).toContain(said);
      }
      expect(await ownerQuery("select title from tasks where user_id = $1 and title = $2", [person.id, TITLE])).toEqual(
        [{ title: TITLE }],
      );
    },
  );

  it("answers a batch by 401 where it was signed out for all of it", async () => {
    const person = await Person.signUp();
    const session = await ClientSession.open(person, "2025-03-26");
    await signOutElsewhere(person);

    expect((await session.post([CREATE, { ...CREATE, id: 9 }])).status).toBe(401);
  });
});
