import { exports } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { app } from "../../src/app.ts";
import { catalog } from "../../src/tools/catalog.ts";
import { ClientSession, callBody, statelessRequest } from "../support/mcp.ts";
import { ownerQuery } from "../support/owner.ts";
import { newAddress, ORIGIN, Person, problemOf } from "../support/person.ts";

// Generated from the catalog and from the routes: a tool or a route that is added is in here by itself, and fails
// here until it is known how it is to behave.

const SECRET_TITLE = "the owner's own business";

/** Inputs that a tool cannot do without, besides the id of a task. */
const requiredInputs: Record<string, Record<string, unknown>> = {
  create_task: { title: "the stranger's" },
  update_task: { title: "the stranger's" },
};

/** What tools take that is not an id. A new input that ends in "id" or "ids" must be added to `foreignInputs`. */
const idInputs = (properties: object) =>
  Object.keys(properties).filter((name) => /(^|_)ids?$|^discovered_from$/.test(name));
const foreignInputs: Record<string, (taskId: number) => unknown> = {
  task_id: (taskId) => taskId,
  task_ids: (taskId) => [taskId],
  parent_id: (taskId) => taskId,
  discovered_from: (taskId) => taskId,
};

/** How a call is refused that names a task of somebody else's: as its own, or as one that its own is to refer to. */
const refusalOf = (ids: readonly string[]) =>
  ids.includes("task_id")
    ? { status: 404, detail: "Task not found" }
    : { status: 400, detail: expect.stringMatching(/must be the id of a task that is there: there is no task #\d+$/) };

let owner: Person;
let stranger: Person;
let taskId: number;

/** All that is kept of the owner, in each table that keeps something of a person: one that is added is in here by itself. */
async function ownersData(): Promise<Record<string, unknown>> {
  const tables = await ownerQuery(
    "select table_name as name from information_schema.columns where table_schema = 'public' and column_name = 'user_id' order by 1",
  );
  const data: Record<string, unknown> = {};
  for (const { name } of tables) {
    data[String(name)] = await ownerQuery(
      `select to_jsonb(kept) as row from "${name}" as kept where user_id = $1 order by to_jsonb(kept)::text`,
      [owner.id],
    );
  }
  return { ...data, users: await ownerQuery("select to_jsonb(users) as row from users where id = $1", [owner.id]) };
}

beforeAll(async () => {
  owner = await Person.signUp();
  stranger = await Person.signUp();
  // Everybody's tasks are numbered from 1: this one's id must be one that no task of the stranger has.
  const others = Array.from({ length: 20 }, (_, number) => owner.run("create_task", { title: `Other ${number}` }));
  await Promise.all(others);
  ({ id: taskId } = await owner.runForTask("create_task", {
    title: SECRET_TITLE,
    idempotency_key: "shared",
    tags: ["private"],
  }));
});

/** An answer, but for the id that was asked for and what each answer has for itself: its request's and its event's id. */
async function withoutItsOwn(response: Response, id: number) {
  const requestId = response.headers.get("X-Request-Id") ?? "";
  const headers = [...response.headers].filter(([header]) => header !== "x-request-id");
  const body = (await response.text())
    .replaceAll(requestId, "<request>")
    .replaceAll(String(id), "<id>")
    .replaceAll(/^id: .*$/gm, "id: <event>");
  return { status: response.status, headers, body };
}

describe.each(catalog)("$name", ({ name, input }) => {
  const ids = idInputs(input.shape);
  const isRefused = ids.length > 0;

  it("knows each of its inputs that names something", () => {
    for (const id of ids) expect(Object.keys(foreignInputs)).toContain(id);
  });

  it("shows a stranger nothing of the owner's and changes nothing", async () => {
    const before = await ownersData();
    expect(JSON.stringify(before)).toContain(SECRET_TITLE);
    const foreign = Object.fromEntries(ids.map((id) => [id, foreignInputs[id]?.(taskId)]));
    const response = await stranger.call(name, { ...requiredInputs[name], ...foreign });
    const body = await response.clone().text();

    if (isRefused) {
      expect(await problemOf(response)).toMatchObject(refusalOf(ids));
    } else {
      expect(response.status).toBe(200);
    }
    expect(body).not.toContain(SECRET_TITLE);
    expect(await ownersData()).toEqual(before);
  });

  if (isRefused) {
    it("answers a foreign id byte for byte as one that does not exist", async () => {
      const session = await ClientSession.open(stranger);
      const answersFor = async (id: number) => {
        const foreign = Object.fromEntries(ids.map((key) => [key, foreignInputs[key]?.(id)]));
        const input = { ...requiredInputs[name], ...foreign };
        const responses = [
          await stranger.call(name, input),
          await statelessRequest(stranger, "tools/call", { name, arguments: input }),
          await session.post(callBody("call", name, input)),
        ];
        return Promise.all(responses.map((response) => withoutItsOwn(response, id)));
      };
      const foreign = await answersFor(taskId);

      for (const { body } of foreign) expect(body).toMatch(/Task not found|there is no task #/);
      expect(await answersFor(2_147_483_000)).toEqual(foreign);
    });
  }

  it("takes nobody's word but the token's for who is asking", async () => {
    const response = await stranger.call(name, { ...requiredInputs[name], user_id: owner.id });

    expect(response.status).toBe(400);
  });
});

it("keeps idempotency keys apart", async () => {
  const task = await stranger.runForTask("create_task", { title: "mine", idempotency_key: "shared" });

  expect(task.title).toBe("mine");
  expect(
    await ownerQuery("select title from tasks where user_id = $1 and idempotency_key = 'shared'", [stranger.id]),
  ).toEqual([{ title: "mine" }]);
});

it("takes no cursor of somebody else's", async () => {
  for (const title of [SECRET_TITLE, "Another"]) await owner.run("create_task", { title });
  const { next_cursor: cursor } = await owner.run("list_tasks", { limit: 1 });
  const response = await stranger.call("list_tasks", { cursor });

  expect(response.status).toBe(400);
  expect((await problemOf(response)).errors).toMatchObject([{ field: "cursor" }]);
  expect((await owner.call("list_tasks", { cursor })).status).toBe(200);
});

describe("every route", () => {
  const publicRoutes = new Set([
    "GET /",
    "GET /icon.svg",
    "GET /icon.png",
    "GET /health",
    "GET /mcp/tools",
    "GET /openapi.json",
    "GET /docs",
    "GET /docs/style.css",
    "GET /favicon.ico",
    "GET /.well-known/security.txt",
    "GET /.well-known/mcp-registry-auth",
    "GET /.well-known/openai-apps-challenge",
    "GET /.well-known/ai-catalog.json",
    "GET /.well-known/mcp/server-card.json",
    "GET /mcp/server-card",
    "GET /.well-known/oauth-authorization-server",
    "GET /.well-known/oauth-authorization-server/mcp",
    "GET /.well-known/oauth-protected-resource",
    "GET /.well-known/oauth-protected-resource/mcp",
    "POST /oauth/register",
    "POST /oauth/token",
    "POST /oauth/revoke",
    // Its person signs in on it.
    "GET /authorize",
    "POST /authorize",
    "GET /authorize/style.css",
    "POST /api/auth/signup",
    "POST /api/auth/signin",
    // Links that were sent to somebody lead there.
    "GET /account/forgotten-password",
    "POST /account/forgotten-password",
    "GET /account/reset-password",
    "POST /account/reset-password",
    "GET /account/confirm-email",
    "POST /account/confirm-email",
    "POST /api/auth/email",
    "POST /api/auth/password/forgot",
    "POST /api/auth/password/reset",
  ]);
  const routes = [
    ...new Set(
      app.routes
        .filter(({ method, path }) => method !== "ALL" && !path.includes("*"))
        .map(({ method, path }) => `${method} ${path}`),
    ),
  ];

  it("is found", () => {
    expect(routes.length).toBeGreaterThanOrEqual(7);
    for (const route of publicRoutes) expect(routes).toContain(route);
  });

  it.each(routes.filter((route) => !publicRoutes.has(route)))("%s answers 401 without a token", async (route) => {
    const [method = "", path = ""] = route.split(" ");
    const response = await exports.default.fetch(new URL(path.replaceAll(/:\w+/g, String(taskId)), ORIGIN), {
      method,
      headers: { "CF-Connecting-IP": newAddress() },
    });

    expect(response.status).toBe(401);
    expect(response.headers.get("WWW-Authenticate")).toMatch(/^Bearer /);
  });
});
