import { Validator } from "@cfworker/json-schema";
import { expect, it } from "vitest";
import { z } from "zod";
import { app } from "../../src/app.ts";
import { describeCatalog } from "../../src/tools/catalog.ts";
import { chat } from "../support/chatting.ts";
import { Person, send } from "../support/person.ts";
import { calls, Script, says } from "../support/scripted-model.ts";

const documentSchema = z.object({
  openapi: z.literal("3.1.1"),
  servers: z.array(z.object({ url: z.url() })),
  paths: z.record(
    z.string(),
    z.record(z.string(), z.looseObject({ operationId: z.string(), responses: z.looseObject({}) })),
  ),
});

/** Not part of the API: what it is described by, pages for people, and what a page needs. */
const NOT_DESCRIBED = new Set([
  "GET /",
  "GET /openapi.json",
  "GET /docs",
  "GET /docs/style.css",
  "GET /authorize",
  "POST /authorize",
  "GET /authorize/style.css",
  "GET /account/forgotten-password",
  "POST /account/forgotten-password",
  "GET /account/reset-password",
  "POST /account/reset-password",
  "GET /account/confirm-email",
  "POST /account/confirm-email",
  "GET /icon.svg",
  "GET /icon.png",
  "GET /favicon.ico",
]);

const readDocument = async () => documentSchema.parse(await (await send("/openapi.json")).json());

it("describes every route there is, and none that is not", async () => {
  const { paths } = await readDocument();
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const tools = describeCatalog().map(({ name }) => `POST /mcp/tools/${name}`);
  const routes = app.routes
    .filter(({ method, path }) => method !== "ALL" && !path.includes("*"))
    .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`)
    .filter((route) => !NOT_DESCRIBED.has(route))
    .flatMap((route) => (route === "POST /mcp/tools/{name}" ? tools : [route]));

  expect(described.sort()).toEqual([...new Set(routes)].sort());
});

it("has the tools' own schemas, and an id of its own for each operation", async () => {
  const { paths } = await readDocument();
  for (const { name, inputSchema, outputSchema } of describeCatalog()) {
    expect(paths[`/mcp/tools/${name}`]?.post).toMatchObject({
      requestBody: { content: { "application/json": { schema: JSON.parse(JSON.stringify(inputSchema)) } } },
      responses: { 200: { content: { "application/json": { schema: JSON.parse(JSON.stringify(outputSchema)) } } } },
    });
  }
  const ids = Object.values(paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));
  expect(new Set(ids).size).toBe(ids.length);
});

it("describes /health as it answers, also when the database does not", async () => {
  const { responses } = z.object({ responses: z.looseObject({}) }).parse((await readDocument()).paths["/health"]?.get);

  expect(Object.keys(responses)).toEqual(["200", "500", "503"]);
  expect(responses[503]).toEqual(responses[200]);
});

it("describes the key of the tools that write, as a header", async () => {
  const { paths } = await readDocument();
  for (const { name, annotations } of describeCatalog()) {
    const header = expect.objectContaining({ name: "Idempotency-Key", in: "header", required: false });
    const { parameters = [] } = z
      .looseObject({ parameters: z.array(z.unknown()).optional() })
      .parse(paths[`/mcp/tools/${name}`]?.post);
    expect(parameters, name).toEqual(annotations.readOnlyHint ? [] : [header]);
  }
});

it("describes the key of a message to the agent, as a header", async () => {
  const { post } = (await readDocument()).paths["/chat"] ?? {};
  const { parameters } = z.looseObject({ parameters: z.array(z.unknown()) }).parse(post);
  expect(parameters).toEqual([expect.objectContaining({ name: "Idempotency-Key", in: "header", required: false })]);
});

it("is where the server's own URL leads", async () => {
  const response = await send("/", { redirect: "manual" });

  expect(response.status).toBe(302);
  expect(response.headers.get("Location")).toBe("/docs");
  expect(response.headers.get("Content-Security-Policy")).toContain("default-src 'none'");
});

const responseSchema = z.object({ content: z.record(z.string(), z.object({ schema: z.looseObject({}) })) });

/** Checks that the document describes an answer, all of its fields by name. */
async function expectDescribed(path: string, method: string, answer: unknown): Promise<void> {
  const operation = (await readDocument()).paths[path]?.[method];
  const { content } = responseSchema.parse(operation?.responses["200"]);
  const { schema } = z.object({ schema: z.looseObject({}) }).parse(content["application/json"]);
  const { valid, errors } = new Validator(schema, "2020-12", false).validate(answer);
  expect(valid, JSON.stringify([errors, answer])).toBe(true);
}

it("describes what chat really answers, however a turn ends", async () => {
  const person = await Person.signUp();
  const { id } = await person.runForTask("create_task", { title: "Eggs" });
  const scripts = [
    [calls(["list_tasks", {}], ["drop_table", {}], ["delete_task", { task_id: id }])],
    [{ output: [{ type: "text" as const, text: "one two three" }], cutAfter: 5 }],
    [calls(["create_task", { title: "Milk" }]), says("Added.")],
  ];
  const fields = new Set<string>();
  for (const steps of scripts) {
    const script = await Script.write(steps);
    const answer = await chat(person, { message: `Go ${script.mark}` });
    for (const field of Object.keys(answer)) fields.add(field);
    await expectDescribed("/chat", "post", answer);
  }
  expect([...fields]).toEqual(expect.arrayContaining(["approval_required", "error", "usage"]));
  const { content } = responseSchema.parse((await readDocument()).paths["/chat"]?.post?.responses["200"]);
  expect(Object.keys(content)).toEqual(["application/json", "text/event-stream"]);
});

it("describes conversations with their messages, and the type of each parameter", async () => {
  const person = await Person.signUp();
  const script = await Script.write([calls(["create_task", { title: "Milk" }]), says("Added.")]);
  const { conversation_id } = await chat(person, { message: `Add milk ${script.mark}` });
  const read = await (await person.send(`/api/conversations/${conversation_id}`)).json();
  expect(read).toHaveProperty("messages");
  await expectDescribed("/api/conversations/{id}", "get", read);
  await expectDescribed("/api/conversations", "get", await (await person.send("/api/conversations")).json());
  const init = { method: "PATCH", body: { title: "Milk" } };
  const renamed = await (await person.send(`/api/conversations/${conversation_id}`, init)).json();
  await expectDescribed("/api/conversations/{id}", "patch", renamed);
  expect((await readDocument()).paths["/api/conversations"]?.get).toMatchObject({
    parameters: [
      { name: "limit", schema: { type: "integer", minimum: 1, maximum: 100, default: 30 } },
      { name: "cursor", schema: { type: "string" } },
    ],
  });
});

it("shows it to people on a page that needs no script and nothing from elsewhere", async () => {
  const response = await send("/docs");
  const page = await response.text();

  expect(response.headers.get("Content-Security-Policy")).toBe(
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  );
  expect(page).toContain("POST /mcp/tools/create_task");
  expect(page).not.toMatch(/<script|https?:\/\/(?!127\.0\.0\.1)[^"]*"(?=>)|style="/);
  const links = [...page.matchAll(/(?:href|src)="([^"#]+)"/g)].map(([, link]) => link);
  expect([...new Set(links)].sort()).toEqual(["/docs/style.css", "/openapi.json"]);
  expect((await send("/docs/style.css")).headers.get("Content-Type")).toBe("text/css; charset=utf-8");
});

const examplesSchema = z.looseObject({
  requestBody: z
    .object({ content: z.record(z.string(), z.object({ schema: z.looseObject({}), example: z.json() })) })
    .optional(),
});

it("gives an example of each body, which its schema takes", async () => {
  const { paths } = await readDocument();
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const { requestBody } = examplesSchema.parse(operation);
      if (requestBody === undefined) continue;
      const [{ schema, example } = { schema: false, example: null }] = Object.values(requestBody.content);
      const { valid, errors } = new Validator(schema, "2020-12", false).validate(example);
      expect(valid, JSON.stringify([method, path, errors])).toBe(true);
    }
  }
});

it("gives examples that do what they say, from making an account to deleting it", async () => {
  const { paths } = await readDocument();
  const exampleOf = (path: string, method = "post") =>
    examplesSchema.parse(paths[path]?.[method]).requestBody?.content["application/json"]?.example;
  const made = await send("/api/auth/signup", { method: "POST", body: exampleOf("/api/auth/signup") });
  expect(made.status).toBe(201);
  const signedIn = await send("/api/auth/signin", { method: "POST", body: exampleOf("/api/auth/signin") });
  const { token } = z.object({ token: z.string() }).parse(await signedIn.json());
  const headers = { Authorization: `Bearer ${token}` };
  const statuses: unknown[] = [];
  for (const { name } of describeCatalog()) {
    const path = `/mcp/tools/${name}`;
    const response = await send(path, { method: "POST", headers, body: exampleOf(path) });
    statuses.push([name, response.status]);
  }
  expect(statuses).toEqual(describeCatalog().map(({ name }) => [name, 200]));
  const accept = { ...headers, Accept: "application/json, text/event-stream" };
  expect((await send("/mcp", { method: "POST", headers: accept, body: exampleOf("/mcp") })).status).toBe(200);
  const body = exampleOf("/api/auth/me", "delete");
  expect((await send("/api/auth/me", { method: "DELETE", headers, body })).status).toBe(204);
});

it("is a line for each operation, the tools first, and finds those that have some words", async () => {
  const read = async (path: string) => (await send(path)).text();
  const all = await read("/docs");
  const summaries = [...all.matchAll(/<summary><code>(\S+ \S+)<\/code>/g)].map(([, name]) => name);
  expect(summaries[0]).toBe("GET /mcp/tools");
  expect(summaries[1]).toBe("POST /mcp/tools/create_task");
  expect(summaries).toHaveLength(Object.values((await readDocument()).paths).flatMap(Object.values).length);
  expect(all).toContain("No authentication needed.");
  const found = await read("/docs?search=DELETE%20conversation");
  expect([...found.matchAll(/<summary><code>(\S+ \S+)<\/code>/g)].map(([, name]) => name)).toEqual([
    "DELETE /api/conversations/{id}",
  ]);
  const nothing = await read(`/docs?search=${encodeURIComponent('"><script>alert(1)</script>')}`);
  expect(nothing).toContain("No operation with");
  expect(nothing).not.toContain("<script");
});
