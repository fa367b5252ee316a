import { expect, it } from "vitest";
import { z } from "zod";
import { app } from "../../src/app.ts";
import { describeCatalog } from "../../src/tools/catalog.ts";
import { send } from "../support/person.ts";

const documentSchema = z.object({
  openapi: z.literal("3.1.1"),
  servers: z.array(z.object({ url: z.url() })),
  paths: z.record(
    z.string(),
    z.record(z.string(), z.looseObject({ operationId: z.string(), responses: z.looseObject({}) })),
  ),
});

/** Not part of the API: what it is described by, and what a page needs. */
const NOT_DESCRIBED = new Set([
  "GET /",
  "GET /openapi.json",
  "GET /docs",
  "GET /docs/style.css",
  "GET /icon.svg",
  "GET /icon.png",
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

it("is where the server's own URL leads", async () => {
  const response = await send("/", { redirect: "manual" });

  expect(response.status).toBe(302);
  expect(response.headers.get("Location")).toBe("/docs");
  expect(response.headers.get("Content-Security-Policy")).toContain("default-src 'none'");
});

it("shows it to people on a page that needs no script and nothing from elsewhere", async () => {
  const response = await send("/docs");
  const page = await response.text();

  expect(response.headers.get("Content-Security-Policy")).toBe(
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
  expect(page).toContain("POST /mcp/tools/create_task");
  expect(page).not.toMatch(/<script|https?:\/\/(?!127\.0\.0\.1)[^"]*"(?=>)|style="/);
  const links = [...page.matchAll(/(?:href|src)="([^"#]+)"/g)].map(([, link]) => link);
  expect([...new Set(links)].sort()).toEqual(["/docs/style.css", "/openapi.json"]);
  expect((await send("/docs/style.css")).headers.get("Content-Type")).toBe("text/css; charset=utf-8");
});
