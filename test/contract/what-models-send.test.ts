import { describe, expect, it } from "vitest";
import { z } from "zod";
import { wholeTaskSchema } from "../../src/tasks/task.ts";
import { listedTaskSchema } from "../../src/tools/listed-task.ts";
import { chat } from "../support/chatting.ts";
import { answerOf, ClientSession, statelessRequest } from "../support/mcp.ts";
import { Person } from "../support/person.ts";
import { Script, says } from "../support/scripted-model.ts";

const outputSchema = z.object({ tasks: z.tuple([z.union([wholeTaskSchema, listedTaskSchema])]) });
const listSchema = z.object({ tasks: z.array(z.looseObject({ title: z.string() })) });

type Call = (tool: string, input: unknown) => Promise<unknown>;

/** The ways to a tool; each gives its structured output, and throws for a refusal. */
const interfaces: readonly [string, (person: Person) => Promise<Call>][] = [
  [
    "HTTP",
    async (person) => async (tool, input) => {
      const response = await person.send(`/mcp/tools/${tool}`, { method: "POST", body: JSON.stringify(input) });
      return response.json();
    },
  ],
  [
    "MCP with a session",
    async (person) => {
      const session = await ClientSession.open(person);
      return async (name, input) =>
        (await session.request("tools/call", { name, arguments: input })).result?.structuredContent;
    },
  ],
  [
    "MCP without a session",
    async (person) => async (name, input) =>
      (await answerOf(await statelessRequest(person, "tools/call", { name, arguments: input }))).result
        ?.structuredContent,
  ],
  [
    "chat",
    async (person) => async (name, input) => {
      const script = await Script.write([
        { output: [{ type: "call", name, arguments: JSON.stringify(input) }] },
        says("Done."),
      ]);
      return (await chat(person, { message: `Do it ${script.mark}` })).tool_calls[0]?.output;
    },
  ],
];

describe.each(interfaces)("%s", (_, open) => {
  it("takes what models really send for what they mean", async () => {
    const person = await Person.signUp();
    const call = await open(person);
    const one = async (tool: string, input: unknown) => outputSchema.parse(await call(tool, input)).tasks[0];
    const list = async (input: unknown) => listSchema.parse(await call("list_tasks", input)).tasks;

    const milk = await one("functions.create_task", {
      title: "Milk",
      description: "Two litres",
      priority: "High",
      due: "",
      tags: '["home","shop"]',
      status: null,
      _meta: { progressToken: 1 },
      toolCallId: "call_1",
      sessionId: "s",
      task_progress: "- [ ] milk",
    });
    expect(milk).toMatchObject({ title: "Milk", priority: "high", tags: ["home", "shop"], status: "pending" });
    expect(milk).not.toHaveProperty("due");

    const eggs = await one("create_task", JSON.stringify({ title: "Eggs", tags: "home" }));
    expect(eggs).toMatchObject({ title: "Eggs", tags: ["home"] });
    const rice = await one("create_task", JSON.stringify(JSON.stringify({ title: "Rice" })));
    expect(rice).toMatchObject({ title: "Rice" });

    expect(await one("get_task", { task_id: `${milk.id}` })).toMatchObject(milk);
    expect(await one("get_task", { task_id: `#${milk.id}` })).toMatchObject(milk);

    const filters = { search: "", due_from: null, due_before: "", tags: [], priority: "none", order: "", cursor: null };
    expect((await list({ ...filters, limit: "2", order: "created" })).map(({ title }) => title)).toEqual([
      "Rice",
      "Eggs",
    ]);
    expect(await list({ ...filters, limit: "" })).toHaveLength(3);
    expect(await list(null)).toHaveLength(3);
    expect(await list({ tags: "home" })).toHaveLength(2);
    expect(await list({ status: "In Progress" })).toEqual([]);

    expect(await one("complete_task", { task_id: `#${eggs.id}` })).toMatchObject({ status: "completed" });
  });

  it("wipes nothing by an empty value: only clear empties", async () => {
    const person = await Person.signUp();
    const call = await open(person);
    const full = { title: "Full", description: "Text", due: "2026-12-24", tags: ["x"], priority: "low" };
    const { id } = await person.runForTask("create_task", full);
    const empty = { description: "", tags: [], due: null, title: "", priority: "", status: "", expected_version: "" };

    await call("update_task", { task_id: id, ...empty });
    expect(await person.runForTask("get_task", { task_id: id })).toMatchObject({ ...full, version: 1 });

    await call("update_task", { task_id: id, ...empty, description: " \n", tags: "", title: "Renamed" });
    expect(await person.runForTask("get_task", { task_id: id })).toMatchObject({ ...full, title: "Renamed" });

    await call("update_task", { task_id: id, ...empty, description: "\u200b", tags: "[]", title: "Again" });
    expect(await person.runForTask("get_task", { task_id: id })).toMatchObject({ ...full, title: "Again" });

    await call("update_task", { task_id: id, ...empty, clear: '["Description", "tags"]' });
    expect(await person.runForTask("get_task", { task_id: id })).toMatchObject({ description: "", tags: [] });
  });
});

describe("an approval", () => {
  it("names the task and takes it for the same one, however the id was written", async () => {
    const person = await Person.signUp();
    const { id } = await person.runForTask("create_task", { title: "Eggs" });
    const script = await Script.write([
      {
        output: [
          { type: "call", name: "functions.delete_task", arguments: JSON.stringify(`{"task_id":"#${id}"}`) },
          { type: "call", name: "update_task", arguments: JSON.stringify({ task_id: `${id}`, title: "Nothing" }) },
        ],
      },
      says("Done."),
    ]);
    const asked = await chat(person, { message: `Do it ${script.mark}` });

    // The change waits with the deletion: it is of the same task.
    expect(asked.approval_required?.map(({ tool }) => tool)).toEqual(["delete_task", "update_task"]);
    expect(asked.approval_required?.[0]?.question).toContain("Eggs");

    const { conversation_id, approval_required = [] } = asked;
    const answers = approval_required.map((question) => ({
      id: question.id,
      approved: question.tool === "delete_task",
    }));
    const done = await chat(person, { conversation_id, approval: answers });
    expect(done.tool_calls).toMatchObject([
      { tool: "delete_task", status: "done" },
      { tool: "update_task", status: "refused" },
    ]);
    expect((await person.call("get_task", { task_id: id })).status).toBe(404);
  });
});
