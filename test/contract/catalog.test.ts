import { Validator } from "@cfworker/json-schema";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { instructions } from "../../src/mcp/instructions.ts";
import { closed } from "../support/closed-schema.ts";
import { Person, send } from "../support/person.ts";

const toolSchema = z.strictObject({
  name: z.string().regex(/^[a-z]+_[a-z]+$/),
  title: z.string().min(3),
  description: z.string().min(20),
  inputSchema: z.looseObject({ type: z.literal("object"), properties: z.record(z.string(), z.looseObject({})) }),
  outputSchema: z.looseObject({ type: z.literal("object") }),
  annotations: z.strictObject({
    title: z.string(),
    readOnlyHint: z.boolean(),
    destructiveHint: z.boolean(),
    idempotentHint: z.boolean(),
    openWorldHint: z.literal(false),
  }),
});

let tools: z.output<typeof toolSchema>[];

beforeAll(async () => {
  const response = await send("/mcp/tools");
  tools = z.strictObject({ tools: z.array(toolSchema) }).parse(await response.json()).tools;
});

const toolNamed = (name: string) => {
  const tool = tools.find((candidate) => candidate.name === name);
  if (tool === undefined) throw new Error(`there is no ${name}`);
  return tool;
};

it("has the six tools, in the same order each time", async () => {
  expect(tools.map((tool) => tool.name)).toEqual([
    "create_task",
    "list_tasks",
    "get_task",
    "update_task",
    "complete_task",
    "delete_task",
  ]);
  const again = await send("/mcp/tools");
  expect(await again.json()).toEqual({ tools });
});

it("is what it was: a change of the contract is a change of this snapshot", () => {
  expect(tools).toMatchSnapshot();
});

it("says in a tool what the instructions say, which most clients show no model", () => {
  const said = JSON.stringify(tools.map(({ description, inputSchema }) => [description, inputSchema]));
  const [introduction, blank, ...lines] = instructions.split("\n");
  expect([introduction, blank]).toEqual([expect.stringMatching(/^This server .*\.$/), ""]);
  expect(lines.length).toBeGreaterThan(5);
  for (const line of lines) expect(said).toContain(JSON.stringify(line.replace(/^- /, "")).slice(1, -1));
});

it("says of each tool whether it destroys", () => {
  expect(tools.filter((tool) => tool.annotations.destructiveHint).map((tool) => tool.name)).toEqual([
    "update_task",
    "delete_task",
  ]);
  expect(tools.filter((tool) => tool.annotations.readOnlyHint).map((tool) => tool.name)).toEqual([
    "list_tasks",
    "get_task",
  ]);
});

it("has flat inputs in closed objects, which every client understands, and open outputs, so that a later one fits", () => {
  // What is published in part is open. A filter is the one object, as its fields stand beside it for what is to be set.
  const published = new Map([
    ["create_task", ["$.properties.subtasks.items", "$.properties.tasks.items"]],
    ["update_task", ["$.properties.match"]],
    ["complete_task", ["$.properties.match"]],
  ]);
  for (const { name, inputSchema, outputSchema } of tools) {
    for (const keyword of ["oneOf", "anyOf", "allOf", "$ref"]) expect(inputSchema).not.toHaveProperty(keyword);
    for (const [input, property] of Object.entries(inputSchema.properties)) {
      expect(property).toHaveProperty("type");
      if (input !== "match") expect(property.type).not.toBe("object");
    }
    expect(openObjects(inputSchema)).toEqual(published.get(name) ?? []);
    expect(JSON.stringify(outputSchema)).not.toContain("additionalProperties");
  }
});

it("describes every input whose name does not say it", () => {
  const undescribed = tools.flatMap(({ name, inputSchema }) =>
    Object.entries(inputSchema.properties).flatMap(([input, { description }]) =>
      description === undefined ? [`${name}.${input}`] : [],
    ),
  );
  expect(undescribed).toEqual([
    "list_tasks.limit",
    ...["title", "priority", "estimate_minutes", "discovered_from", "add_tags", "remove_tags"].map(
      (input) => `update_task.${input}`,
    ),
  ]);
});

it("tells no model of task_id, which task_ids has taken the place of, and takes it", async () => {
  const person = await Person.signUp();
  const { tasks } = await person.run("create_task", { title: "Buy milk" });
  const id = tasks[0]?.id;

  for (const name of ["get_task", "update_task", "complete_task", "delete_task"]) {
    expect(Object.keys(toolNamed(name).inputSchema.properties)).toContain("task_ids");
    expect(Object.keys(toolNamed(name).inputSchema.properties)).not.toContain("task_id");
    const changes = name === "update_task" ? { priority: "high" } : {};
    expect((await person.run(name, { task_id: id, ...changes })).tasks).toEqual([
      expect.objectContaining({ id, title: "Buy milk" }),
    ]);
  }
});

describe("every answer fits its tool's own output schema", () => {
  it("in all six tools, with everything set and with nothing set", async () => {
    const person = await Person.signUp();
    const check = async (name: string, input: Record<string, unknown>) => {
      const answer = await person.run(name, input);
      const validator = new Validator(closed(toolNamed(name).outputSchema), "2020-12", false);
      expect(validator.validate(answer).errors, name).toEqual([]);
      return answer;
    };

    const full = {
      title: "Full",
      description: "Text",
      status: "completed",
      priority: "urgent",
      due: "2026-11-30T12:00:00Z",
      tags: ["a", "b"],
      idempotency_key: "once",
    };
    for (const task of [full, { title: "Bare" }, { title: "Day", due: "2026-11-30" }]) {
      const created = await check("create_task", task);
      const id = created.tasks[0]?.id;
      await check("get_task", { task_id: id });
      await check("update_task", { task_id: id, title: "Changed" });
      await check("complete_task", { task_id: id });
    }
    await check("list_tasks", { status: "all", detail: true, order: "created" });
    const page = await check("list_tasks", { status: "all", limit: 1 });
    expect(page).toHaveProperty("next_cursor");
    await check("list_tasks", { search: "nothing like it" });
    await check("delete_task", { task_id: page.tasks[0]?.id });
  });

  it("which refuses what is not an answer", () => {
    const validator = new Validator(toolNamed("get_task").outputSchema, "2020-12", false);

    expect(validator.validate({ tasks: [{ id: "1" }] }).valid).toBe(false);
    expect(validator.validate({}).valid).toBe(false);
  });
});

describe("GET /mcp/tools", () => {
  it("is not sent again to a client that has it", async () => {
    const first = await send("/mcp/tools");
    const etag = first.headers.get("ETag") ?? "";
    const second = await send("/mcp/tools", { headers: { "If-None-Match": etag } });

    expect(etag).toMatch(/^"\w+"$/);
    expect(second.status).toBe(304);
    expect(await second.text()).toBe("");
  });
});

/** The paths of objects in a schema that allow fields they do not name. */
function openObjects(schema: unknown, path = "$"): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const isOpen = "properties" in schema && !("additionalProperties" in schema && schema.additionalProperties === false);
  return [
    ...(isOpen && "type" in schema ? [path] : []),
    ...Object.entries(schema).flatMap(([key, value]) => openObjects(value, `${path}.${key}`)),
  ];
}
