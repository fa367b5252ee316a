import { describe, expect, it } from "vitest";
import { describeApi } from "../../src/openapi/document.ts";
import type { Task } from "../../src/tasks/task.ts";
import { describeCatalog } from "../../src/tools/catalog.ts";
import { listPage } from "../../src/tools/listed-task.ts";
import { areClientsInstalled } from "../support/installed-clients.ts";

const clients = areClientsInstalled() ? await import("../clients/plain-ajv.ts") : undefined;

const schemas = describeCatalog().flatMap(({ name, inputSchema, outputSchema }) => [
  { of: `the input of ${name}`, schema: inputSchema },
  { of: `the output of ${name}`, schema: outputSchema },
]);

const task: Task = {
  id: 1,
  title: "Buy milk",
  description: "x".repeat(5_000),
  status: "pending",
  priority: "none",
  due: "2026-11-30",
  tags: ["a"],
  version: 1,
  created_at: "2026-11-27T12:00:00.000Z",
  updated_at: "2026-11-27T07:00:00.123-05:00",
};

describe.each(schemas)("$of", ({ schema }) => {
  it("holds nothing that a client is known to stumble over", () => {
    const keywords = keywordsOf(schema);

    for (const refused of ["format", "pattern", "$ref", "$schema", "oneOf", "anyOf", "allOf", "not"]) {
      expect(keywords.map(([keyword]) => keyword)).not.toContain(refused);
    }
    for (const [keyword, value] of keywords) {
      if (["maxLength", "maxItems"].includes(keyword)) expect(value).toBeLessThan(2_000);
      if (["maximum", "minimum"].includes(keyword)) expect(Math.abs(Number(value))).toBeLessThan(2 ** 31);
    }
  });

  it.skipIf(clients === undefined)("is understood by a plain Ajv 8", () => {
    const isValid = clients?.compileByAjv(schema);

    expect(isValid?.({ nothing: "known" })).toBe(false);
  });
});

it.skipIf(clients === undefined)("a plain Ajv 8 lets a call and its answer pass", () => {
  for (const { of, schema } of schemas) {
    const [listed] = listPage([{ ...task, isDescriptionWhole: true }], "due", 1);
    const list = { tasks: [listed], now: "2026-11-27T12:00:00+00:00", time_zone: "UTC" };
    const answer = of.endsWith("list_tasks") ? list : { tasks: [task] };
    const value = of.startsWith("the output") ? answer : inputFor(schema);
    expect(clients?.compileByAjv(schema)(value), of).toBe(true);
  }
});

it("the API's description shows the same ones", () => {
  const { paths } = describeApi("https://tasks.example");
  for (const { name, inputSchema, outputSchema } of describeCatalog()) {
    const operation = paths[`/mcp/tools/${name}`]?.post;
    expect(operation?.requestBody?.content["application/json"]?.schema).toEqual(inputSchema);
    expect(operation?.responses[200]?.content?.["application/json"]?.schema).toEqual(outputSchema);
  }
});

it("tools/list costs little, for the clients that show a model all of it", () => {
  // About four characters a token.
  expect(JSON.stringify(describeCatalog()).length / 4).toBeLessThan(6_050);
});

/** What is required, and no more. */
function inputFor({ required = [] }: { readonly required?: readonly string[] | undefined }): Record<string, unknown> {
  return Object.fromEntries(required.map((name) => [name, name === "task_id" ? 1 : "Buy milk"]));
}

/** Every keyword of a schema with its value; the names of properties are none. */
function keywordsOf(schema: object): [keyword: string, value: unknown][] {
  return Object.entries(schema).flatMap(([keyword, value]): [string, unknown][] => {
    if (typeof value !== "object" || value === null) return [[keyword, value]];
    const inner = keyword === "properties" ? Object.values(value) : [value];
    return [[keyword, value], ...inner.flatMap((one) => (Array.isArray(one) ? [] : keywordsOf(one)))];
  });
}
