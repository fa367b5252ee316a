import { Validator } from "@cfworker/json-schema";
import { expect, it } from "vitest";
import { z } from "zod";
import { closed } from "../support/closed-schema.ts";
import { answerOf, statelessRequest } from "../support/mcp.ts";
import { Person, send } from "../support/person.ts";

const structuredSchema = z.object({ structuredContent: z.record(z.string(), z.unknown()) });
const listSchema = z.object({ tools: z.array(z.object({ name: z.string(), outputSchema: z.looseObject({}) })) });

it("every answer fits its tool's published output schema, where it counts, tells what has changed, fails in part or is repeated, over HTTP and MCP", async () => {
  const { tools } = listSchema.parse(await (await send("/mcp/tools")).json());
  const validators = new Map(
    tools.map(({ name, outputSchema }) => [name, new Validator(closed(outputSchema), "2020-12", false)]),
  );
  const person = await Person.signUp();
  const titles = ["Count", "Wait", "Done"];
  await person.run("create_task", { tasks: titles.map((title) => ({ title, tags: ["a"], due: "2026-11-30" })) });
  const calls: readonly (readonly [tool: string, input: Record<string, unknown>, has: readonly string[]])[] = [
    ["list_tasks", { total: true }, ["total", "tags"]],
    ...["status", "tag", "day"].map((by) => ["list_tasks", { group_by: by }, ["total", "groups"]] as const),
    ["list_tasks", { digest: true }, ["digest"]],
    ["list_tasks", { changed_since: 0, limit: 1 }, ["change"]],
    ["get_task", { task_ids: [1, 9] }, ["failed"]],
    ["get_task", { task_ids: [1], history: 1 }, ["history"]],
    ["update_task", { task_ids: [2], blocked_by: [1], parent_id: 1, idempotency_key: "k" }, ["change"]],
    ["update_task", { task_ids: [2], blocked_by: [1], parent_id: 1, idempotency_key: "k" }, ["replayed", "note"]],
    ["update_task", { claim_next: 1 }, ["change"]],
    ["update_task", { undo: 2 }, ["change"]],
    ["create_task", { tasks: [{ title: "No", parent_id: 9 }] }, ["failed", "note"]],
    ["complete_task", { task_ids: [3, 9] }, ["failed", "change"]],
  ];
  for (const [tool, input, has] of calls) {
    const overMcp = await statelessRequest(person, "tools/call", { name: tool, arguments: input });
    const { structuredContent } = structuredSchema.parse((await answerOf(overMcp)).result);
    const isRepeatable = ["list_tasks", "get_task"].includes(tool);
    for (const answer of [structuredContent, ...(isRepeatable ? [await person.run(tool, input)] : [])]) {
      expect(validators.get(tool)?.validate(answer).errors, JSON.stringify(input)).toEqual([]);
      expect(Object.keys(answer)).toEqual(expect.arrayContaining([...has]));
    }
  }
});
