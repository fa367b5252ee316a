import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { app } from "../../src/app.ts";
import { describeApi } from "../../src/openapi/document.ts";
import { ORIGIN, Person, problemOf, send } from "../support/person.ts";
import { bearer, makeToken, runBy } from "../support/token-routes.ts";

let person: Person;

beforeEach(async () => {
  person = await Person.signUp();
});

describe("a personal token with scopes", () => {
  it("does what they allow, and is told which it lacks", async () => {
    const { token, scopes } = await makeToken(person, { scopes: ["tasks:read"] });

    expect(scopes).toEqual(["tasks:read"]);
    expect((await runBy(token, "list_tasks", {})).status).toBe(200);
    expect((await runBy(token, "create_task", { title: "No" })).status).toBe(403);
    expect((await runBy((await makeToken(person, { scopes: ["tasks:write"] })).token, "list_tasks", {})).status).toBe(
      403,
    );
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
    const { token } = await makeToken(person, { scopes: ["tasks:read"] });
    expect(await (await send("/api/auth/me", bearer(token))).json()).toMatchObject({ user: { id: person.id } });
  });
});
