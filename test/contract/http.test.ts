import { createExecutionContext, env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import worker from "../../src/worker.ts";
import { ClientSession, statelessRequest } from "../support/mcp.ts";
import { ORIGIN, Person, problemOf, send } from "../support/person.ts";

const withEnvironment = (changes: Record<string, unknown>, path = "/health") =>
  worker.fetch(new Request(`${ORIGIN}${path}`), { ...env, ...changes }, createExecutionContext());

describe("/health", () => {
  it("says what the runbook expects", async () => {
    const response = await send("/health");

    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ status: "healthy", database: "connected" });
    expect(response.headers.get("Cache-Control")).toBe("no-store");
  });

  it("is 503 when the database cannot be reached", async () => {
    const response = await withEnvironment({ DATABASE_URL: "postgresql://task_worker:wrong@gateway.invalid/tasks" });

    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ status: "unhealthy", database: "unreachable" });
  });
});

describe("the configuration", () => {
  it.each([
    [{ JWT_SECRET: undefined }, "JWT_SECRET is missing"],
    [{ JWT_SECRET: "short-but-secret" }, "JWT_SECRET must be at least 32 characters long"],
    [{ JWT_SECRET_PREVIOUS: "short-but-secret" }, "JWT_SECRET_PREVIOUS must be at least 32 characters long"],
    [{ DATABASE_URL: undefined }, "DATABASE_URL is missing"],
    [{ DATABASE_URL: "mysql://short-but-secret@x/y" }, "DATABASE_URL must be a postgres:// URL"],
    [{ BASE_URL: "short-but-secret" }, "BASE_URL must be an http or https URL"],
    [{ ENVIRONMENT: "production" }, "BASE_URL must be an https URL outside development"],
    [
      { ENVIRONMENT: "production", BASE_URL: "https://api.example.com" },
      "NEON_FETCH_ENDPOINT must not be set outside development",
    ],
  ])("%j stops every request with a message that names the variable", async (changes, message) => {
    const response = await withEnvironment(changes, "/mcp/tools");

    expect(response.status).toBe(500);
    const problem = await problemOf(response);
    expect(problem.title).toBe("Server misconfigured");
    expect(problem.detail).toContain(message);
    expect(JSON.stringify(problem)).not.toContain("short-but-secret");
  });
});

describe("an answer", () => {
  it("has a request id of its own", async () => {
    const [first, second] = [await send("/health"), await send("/health")];

    expect(first.headers.get("X-Request-Id")).toMatch(/^[\da-f-]{36}$/);
    expect(first.headers.get("X-Request-Id")).not.toBe(second.headers.get("X-Request-Id"));
  });

  it.each([
    ["6F9619FF-8b86-d011-b42d-00c04fc964ff", true],
    ["4bf92f3577b34da6a3ce929d0e0e4736", true],
    ["00f067aa0ba902b7", true],
    ["abc-123", false],
    ["ada-lovelace-example-com", false],
    ["deadbeef", false],
    ["a".repeat(65), false],
    ['x" injected', false],
  ])("has the request id %s that it was sent: %s, for only what cannot be words is logged", async (id, isKept) => {
    const { headers } = await send("/health", { headers: { "X-Request-Id": id } });

    expect(headers.get("X-Request-Id")).toMatch(isKept ? new RegExp(`^${id}$`) : /^[\da-f-]{36}$/);
  });

  it("says which request it answers and that it depends on the origin, whatever made it", async () => {
    const person = await Person.signUp();
    const session = await ClientSession.open(person);
    const answers = [
      await send("/nowhere"),
      await person.send("/mcp/tools/list_tasks", { method: "POST", body: {} }),
      await session.post({ jsonrpc: "2.0", id: 1, method: "ping" }),
      await session.post({ jsonrpc: "2.0", method: "notifications/initialized" }),
      await statelessRequest(person, "tools/list"),
    ];

    for (const { headers } of answers) {
      expect(headers.get("X-Request-Id")).toMatch(/^[\da-f-]{36}$/);
      expect(headers.get("Vary")).toBe("Origin");
    }
  });

  it.each(["/health", "/mcp/tools", "/nowhere", "/api/auth/me"])("of %s carries the secure headers", async (path) => {
    const { headers } = await send(path);

    const secure = {
      "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Resource-Policy": "same-origin",
      "Referrer-Policy": "no-referrer",
      "Strict-Transport-Security": "max-age=15552000; includeSubDomains",
      "X-Content-Type-Options": "nosniff",
      "X-Frame-Options": "DENY",
      // What only browsers of the past and plugins read.
      ...{ "Origin-Agent-Cluster": null, "X-DNS-Prefetch-Control": null, "X-Download-Options": null },
      ...{ "X-Permitted-Cross-Domain-Policies": null, "X-Powered-By": null, "X-XSS-Protection": null },
    };
    expect(Object.fromEntries(Object.keys(secure).map((name) => [name, headers.get(name)]))).toEqual(secure);
  });

  it("of an unknown route is a problem document", async () => {
    const response = await send("/nowhere");

    expect(response.status).toBe(404);
    expect(await problemOf(response)).toMatchObject({
      title: "Not found",
      detail: "There is nothing here; GET /docs shows what there is.",
    });
  });

  it("of a known route with another method names the methods it has", async () => {
    const response = await send("/api/auth/signin");

    expect(response.status).toBe(405);
    expect(response.headers.get("Allow")).toBe("POST");
    await problemOf(response);
  });

  it("shows nothing of what went wrong inside", async () => {
    const person = await Person.signUp();
    const response = await worker.fetch(
      new Request(`${ORIGIN}/mcp/tools/list_tasks`, { method: "POST", headers: person.authorization }),
      { ...env, DATABASE_URL: "postgresql://task_worker:wrong@gateway.invalid/tasks" },
      createExecutionContext(),
    );
    const text = await response.clone().text();

    expect(response.status).toBe(503);
    expect(response.headers.get("Retry-After")).toBe("5");
    expect((await problemOf(response)).detail).toBe("The database cannot be reached; try again in a moment.");
    expect(text).not.toMatch(/select|gateway|postgres|stack|at \w+ \(/i);
  });
});

describe("CORS", () => {
  const preflight = (origin: string) =>
    send("/mcp/tools/create_task", {
      method: "OPTIONS",
      headers: {
        Origin: origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
      },
    });

  it("lets the pages of CORS_ORIGINS in", async () => {
    const response = await preflight(ORIGIN);

    expect(response.status).toBe(204);
    expect(response.headers.get("Access-Control-Allow-Origin")).toBe(ORIGIN);
    expect(response.headers.get("Access-Control-Allow-Headers")).toContain("Authorization");
    expect(response.headers.get("Access-Control-Allow-Methods")).toContain("POST");
    expect(response.headers.has("Access-Control-Allow-Credentials")).toBe(false);
    expect(response.headers.get("Vary")).toContain("Origin");
  });

  it.each(["https://elsewhere.example", "null", `${ORIGIN}.elsewhere.example`])("keeps %s out", async (origin) => {
    expect((await preflight(origin)).headers.has("Access-Control-Allow-Origin")).toBe(false);
    const response = await send("/mcp/tools", { headers: { Origin: origin } });
    expect(response.headers.has("Access-Control-Allow-Origin")).toBe(false);
  });

  it("lets a page read what it needs of an answer, also of an error", async () => {
    const response = await send("/api/auth/me", { headers: { Origin: ORIGIN } });

    expect(response.status).toBe(401);
    expect(response.headers.get("Access-Control-Allow-Origin")).toBe(ORIGIN);
    expect(response.headers.get("Access-Control-Expose-Headers")).toContain("WWW-Authenticate");
  });
});
