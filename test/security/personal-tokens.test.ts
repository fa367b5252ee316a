import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { app } from "../../src/app.ts";
import { makePersonalToken } from "../../src/auth/personal-token.ts";
import { readConfiguration } from "../../src/config.ts";
import { describeApi } from "../../src/openapi/document.ts";
import { ownerQuery } from "../support/owner.ts";
import { newAddress, ORIGIN, PASSWORD, Person, problemOf, send } from "../support/person.ts";

const PATH = "/api/auth/tokens";

const keptSchema = z.strictObject({
  id: z.uuid(),
  name: z.string(),
  scopes: z.array(z.string()).nullable(),
  created_at: z.iso.datetime(),
  expires_at: z.iso.datetime().nullable(),
  last_used_at: z.iso.datetime().nullable(),
  last_client: z.string().nullable(),
});
const madeSchema = keptSchema.extend({ token: z.string() });

let person: Person;

beforeEach(async () => {
  person = await Person.signUp();
});

async function make(input: Record<string, unknown> = {}, own = person) {
  const response = await own.send(PATH, { method: "POST", body: { name: "Laptop", password: PASSWORD, ...input } });
  expect(response.status).toBe(201);
  expect(response.headers.get("Cache-Control")).toBe("no-store");
  return madeSchema.parse(await response.json());
}

const list = async (own = person) =>
  z.strictObject({ tokens: z.array(keptSchema) }).parse(await (await own.send(PATH)).json()).tokens;
const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });
const run = (token: string, tool: string, input: unknown) =>
  send(`/mcp/tools/${tool}`, { method: "POST", body: input, ...bearer(token) });

/** Asks a worker that has other variables. */
async function askWith(
  variables: Record<string, string | undefined>,
  path: string,
  headers: Record<string, string>,
  body?: unknown,
): Promise<Response> {
  const request = new Request(new URL(path, ORIGIN), {
    method: body === undefined ? "GET" : "POST",
    headers: { "Content-Type": "application/json", ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const context = createExecutionContext();
  const response = await app.fetch(request, { ...env, ...variables }, context);
  await waitOnExecutionContext(context);
  return response;
}

describe("a personal token", () => {
  it("is shown once, is a bearer token, and stands in the list with its last use", async () => {
    const own = await Person.signUp();
    const { token, ...kept } = await make({ name: "Headless agent" }, own);

    expect(token).toMatch(/^tsk_[\w-]{62}$/);
    expect(kept).toMatchObject({ name: "Headless agent", scopes: null, expires_at: null, last_used_at: null });
    expect((await run(token, "create_task", { title: "Buy milk" })).status).toBe(200);
    const [listed] = await list(own);
    expect(listed).toEqual({ ...kept, last_used_at: expect.any(String) });
  });

  it("is kept by nothing that could be used", async () => {
    const { token, id } = await make();
    const [row] = await ownerQuery("select to_jsonb(personal_tokens)::text as row from personal_tokens where id = $1", [
      id,
    ]);

    const secretPart = token.slice(-22);
    expect(row?.row).not.toContain(secretPart);
    expect(row?.row).not.toContain("tsk_");
  });

  it("expires when it says", async () => {
    const { token, created_at, expires_at } = await make({ expires_in_days: 30 });
    expect(Date.parse(expires_at ?? "") - Date.parse(created_at)).toBe(30 * 24 * 60 * 60 * 1000);
    expect((await send("/api/auth/me", bearer(token))).status).toBe(200);
    const expiry = Date.parse(expires_at ?? "");
    vi.useFakeTimers({ now: expiry, toFake: ["Date"] });
    try {
      expect((await send("/api/auth/me", bearer(token))).status).toBe(401);
    } finally {
      vi.useRealTimers();
    }
  });

  it("outlives a change of JWT_SECRET, which signs everybody out, and that of its own secret for as long as both are known", async () => {
    const { token } = await make();
    const other = "another secret of the tests, 32 characters";
    const statusWith = async (variables: Record<string, string>, headers = bearer(token).headers) =>
      (await askWith(variables, "/api/auth/me", headers)).status;

    expect(await statusWith({ JWT_SECRET: other }, person.authorization)).toBe(401);
    expect(await statusWith({ JWT_SECRET: other })).toBe(200);
    const { TOKEN_SECRET = "" } = readConfiguration(env);
    expect(await statusWith({ TOKEN_SECRET: other, TOKEN_SECRET_PREVIOUS: TOKEN_SECRET })).toBe(200);
    expect(await statusWith({ TOKEN_SECRET: other })).toBe(401);
  });

  it("is cut off at its next call, and nothing else is", async () => {
    const [first, second] = [await make(), await make()];
    expect((await send("/api/auth/me", bearer(first.token))).status).toBe(200);
    expect((await person.send(`${PATH}/${first.id}`, { method: "DELETE" })).status).toBe(204);

    const refused = await run(first.token, "list_tasks", {});
    expect(refused.status).toBe(401);
    expect((await problemOf(refused)).detail).toContain("no longer counts");
    expect((await run(second.token, "list_tasks", {})).status).toBe(200);
    expect((await person.send(`${PATH}/${first.id}`, { method: "DELETE" })).status).toBe(404);
  });

  it("ends itself by signing out, and outlasts its person's signing out everywhere", async () => {
    const own = await Person.signUp();
    const [ended, other] = [await make({}, own), await make({ scopes: ["tasks:read"] }, own)];
    const signOut = (token: string, body = {}) => send("/api/auth/signout", { method: "POST", body, ...bearer(token) });
    expect((await signOut(ended.token)).status).toBe(204);
    expect((await run(ended.token, "list_tasks", {})).status).toBe(401);
    expect((await signOut(own.session.token, { everywhere: true })).status).toBe(204);

    expect((await run(other.token, "list_tasks", {})).status).toBe(200);
    expect((await signOut(other.token, { everywhere: true })).status).toBe(403);
    expect((await signOut(other.token)).status).toBe(204);
    expect((await run(other.token, "list_tasks", {})).status).toBe(401);
  });

  it("that somebody else has made is not there", async () => {
    const { id } = await make();
    const stranger = await Person.signUp();

    expect((await stranger.send(`${PATH}/${id}`, { method: "DELETE" })).status).toBe(404);
    expect((await list(stranger)).length).toBe(0);
    expect((await list()).map((token) => token.id)).toContain(id);
  });

  it("that is made up costs the user whom it names none of their requests", async () => {
    const limit = vi.spyOn(env.USER_RATE_LIMITER, "limit");
    const made = makePersonalToken(
      { id: crypto.randomUUID(), userId: person.id, access: "full", issuedAt: new Date(), expiresAt: undefined },
      { TOKEN_SECRET: "a secret that is not the server's, 32 chars" },
    );

    expect((await send("/api/auth/me", bearer(made))).status).toBe(401);
    expect(limit).not.toHaveBeenCalled();
    limit.mockRestore();
  });
});

it("costs a call of a tool no request of its own, in the database or in KV", async () => {
  const { token } = await make();
  const requests = vi.spyOn(globalThis, "fetch");
  const keyValue = vi.spyOn(env.OAUTH_KV, "get");
  for (const tool of ["list_tasks", "create_task"]) {
    requests.mockClear();
    expect((await run(token, tool, tool === "list_tasks" ? {} : { title: "counted" })).status).toBe(200);
    expect(requests).toHaveBeenCalledTimes(1);
  }
  expect(keyValue).not.toHaveBeenCalled();
  vi.restoreAllMocks();
});

describe("where SCOPED_CREDENTIALS is off, or there is no TOKEN_SECRET", () => {
  it.each([
    [{ SCOPED_CREDENTIALS: "off" }, "SCOPED_CREDENTIALS is off"],
    [{ TOKEN_SECRET: undefined }, "TOKEN_SECRET is missing"],
  ])("%j lets no personal token in, makes none, and offers no OAuth", async (variables, reason) => {
    const { token } = await make();
    const refused = await askWith(variables, "/mcp", bearer(token).headers);
    expect(refused.status).toBe(401);
    expect((await problemOf(refused)).detail).toBe(`Personal tokens are not set up on this server: ${reason}.`);
    expect(refused.headers.get("WWW-Authenticate")).not.toContain("resource_metadata");
    const before = await list();
    const unmade = await askWith(variables, PATH, person.authorization, { name: "Laptop" });
    expect(unmade.status).toBe(503);
    expect((await problemOf(unmade)).detail).toBe(`Personal tokens are not set up on this server: ${reason}.`);

    expect(await list()).toEqual(before);
  });
});

describe("a personal token with scopes", () => {
  it("does what they allow, and is told which it lacks", async () => {
    const { token, scopes } = await make({ scopes: ["tasks:read"] });

    expect(scopes).toEqual(["tasks:read"]);
    expect((await run(token, "list_tasks", {})).status).toBe(200);
    expect((await run(token, "create_task", { title: "No" })).status).toBe(403);
    expect((await run((await make({ scopes: ["tasks:write"] })).token, "list_tasks", {})).status).toBe(403);
  });

  /** Whatever its scopes, it may come in here; the tools hold the scopes themselves. */
  const forScopes = new Set([
    "GET /api/auth/me",
    "POST /api/auth/signout",
    "POST /mcp/tools/:name",
    "GET /mcp",
    "POST /mcp",
    "DELETE /mcp",
  ]);
  // Generated from the routes: one that is added is for full access, or fails here until it is known that it is not.
  const routes = [
    ...new Set(
      app.routes
        .filter(({ method, path }) => method !== "ALL" && !path.includes("*") && path !== "/metrics")
        .map(({ method, path }) => `${method} ${path}`),
    ),
  ];

  it("meets each route that asks for a credential: with those for tasks it comes in, all others are for full access", async () => {
    const own = await Person.signUp();
    const { paths } = describeApi(ORIGIN);
    let refused = 0;
    for (const route of routes) {
      const [method = "", path = ""] = route.split(" ");
      const url = path.replaceAll(/:\w+/g, "7");
      if ((await send(url, { method })).status !== 401) continue;
      // One of its own, as a route may end it.
      const response = await (await own.withScopes(["tasks:read", "tasks:write"])).send(url, { method });
      if (forScopes.has(route)) {
        expect(response.status, route).not.toBe(403);
        continue;
      }
      expect(response.status, route).toBe(403);
      expect((await problemOf(response)).detail, route).toContain("full access only");
      expect(response.headers.get("WWW-Authenticate"), route).toBeNull();
      const operation = paths[path.replaceAll(/:(\w+)/g, "{$1}")]?.[method.toLowerCase()];
      expect(Object.keys(z.object({ responses: z.looseObject({}) }).parse(operation).responses), route).toContain(
        "403",
      );
      refused += 1;
    }
    expect(refused).toBeGreaterThan(10);
  });

  it("may ask who it belongs to", async () => {
    const { token } = await make({ scopes: ["tasks:read"] });
    expect(await (await send("/api/auth/me", bearer(token))).json()).toMatchObject({ user: { id: person.id } });
  });
});

describe("making one", () => {
  it("wants the password, whatever else was stolen", async () => {
    const { token } = await make();
    const [without, wrong, stolen] = [{}, { password: "Not the password 1" }, { password: PASSWORD }];
    const before = await list();
    const asked = (body: object, headers = person.authorization) =>
      send(PATH, { method: "POST", body: { name: "Eve", ...body }, headers });

    const refused = await asked(without);
    expect(refused.status).toBe(400);
    expect((await problemOf(refused)).errors).toEqual([{ field: "password", message: "is required" }]);
    expect((await asked(wrong)).status).toBe(403);
    const byToken = await asked(stolen, { Authorization: `Bearer ${token}` });
    expect(byToken.status).toBe(403);
    expect((await problemOf(byToken)).detail).toContain("personal token makes no other");
    expect((await list()).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
  });

  it("counts as a guess of the password", async () => {
    const headers = { ...person.authorization, "CF-Connecting-IP": newAddress() };
    const statuses: number[] = [];
    for (let guess = 0; guess < 11; guess += 1) {
      const body = { name: "Eve", password: `Not the password ${guess}` };
      statuses.push((await send(PATH, { method: "POST", body, headers })).status);
    }
    expect(statuses.at(0)).toBe(403);
    expect(statuses.at(-1)).toBe(429);
  });

  it.each([
    [{ name: "" }, "name"],
    [{ name: "a".repeat(101) }, "name"],
    [{ name: undefined }, "name"],
    [{ name: "Laptop", scopes: [] }, "scopes"],
    [{ name: "Laptop", scopes: ["everything"] }, "scopes.0"],
    [{ name: "Laptop", scopes: "tasks:read" }, "scopes"],
    [{ name: "Laptop", expires_in_days: 0 }, "expires_in_days"],
    [{ name: "Laptop", expires_in_days: 3651 }, "expires_in_days"],
    [{ name: "Laptop", expires_in_days: 1.5 }, "expires_in_days"],
    [{ name: "Laptop", colour: "red" }, "colour"],
  ])("is refused for %j, which makes none", async (body, field) => {
    const before = (await list()).length;
    const response = await person.send(PATH, { method: "POST", body });

    expect(response.status).toBe(400);
    expect((await problemOf(response)).errors?.map((error) => error.field)).toEqual([field]);
    expect((await list()).length).toBe(before);
  });

  it("ends at a hundred", async () => {
    const own = await Person.signUp();
    await ownerQuery(
      "insert into personal_tokens (user_id, id, name) select $1, gen_random_uuid(), 'one of many' from generate_series(1, 100)",
      [own.id],
    );
    const response = await own.send(PATH, { method: "POST", body: { name: "One more", password: PASSWORD } });

    expect(response.status).toBe(409);
    expect((await problemOf(response)).detail).toBe(
      "You have 100 personal tokens, the most there can be. Delete one, then make another.",
    );
  });
});
