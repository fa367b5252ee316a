import { exports } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { app } from "../../src/app.ts";
import { describeCatalog } from "../../src/tools/catalog.ts";
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
const idInputs = (properties: object) => Object.keys(properties).filter((name) => /(^|_)ids?$/.test(name));
const foreignInputs: Record<string, (taskId: number) => unknown> = { task_id: (taskId) => taskId };

let owner: Person;
let stranger: Person;
let taskId: number;

const ownersRows = () => ownerQuery("select * from tasks where user_id = $1 order by id", [owner.id]);

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

describe.each(describeCatalog())("$name", ({ name, inputSchema }) => {
  const ids = idInputs(inputSchema.properties ?? {});

  it("knows each of its inputs that names something", () => {
    for (const id of ids) expect(Object.keys(foreignInputs)).toContain(id);
  });

  it("shows a stranger nothing of the owner's and changes nothing", async () => {
    const before = await ownersRows();
    const foreign = Object.fromEntries(ids.map((id) => [id, foreignInputs[id]?.(taskId)]));
    const response = await stranger.call(name, { ...requiredInputs[name], ...foreign });
    const body = await response.clone().text();

    if (ids.length > 0) {
      expect(response.status).toBe(404);
      expect((await problemOf(response)).detail).toBe("Task not found");
    } else {
      expect(response.status).toBe(200);
    }
    expect(body).not.toContain(SECRET_TITLE);
    expect(await ownersRows()).toEqual(before);
  });

  it("answers a foreign id exactly as one that does not exist", async () => {
    const answers = await Promise.all(
      [taskId, 2_147_483_000].map(async (id) => {
        const foreign = Object.fromEntries(ids.map((input) => [input, foreignInputs[input]?.(id)]));
        const response = await stranger.call(name, { ...requiredInputs[name], ...foreign });
        const { request_id, ...rest } = await response.json<Record<string, unknown>>();
        return { status: response.status, ...(ids.length > 0 && rest) };
      }),
    );

    expect(answers[0]).toEqual(answers[1]);
  });

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
    "GET /.well-known/security.txt",
    "POST /api/auth/signup",
    "POST /api/auth/signin",
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
