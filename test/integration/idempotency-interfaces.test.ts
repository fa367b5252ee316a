import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { loggedCalls } from "../support/change-log.ts";
import { answerOf, ClientSession, callBody, statelessRequest } from "../support/mcp.ts";
import { Person, problemOf } from "../support/person.ts";

type Input = Record<string, unknown>;

let person: Person;
beforeEach(async () => {
  person = await Person.signUp();
});

const claimed = async (id: number) => (await person.run("update_task", { task_id: id, claim_minutes: 30 })).change;

/** Each way to change tasks: its tool, its input for a task that is there, and another input for the same tool. */
const writes: readonly (readonly [name: string, tool: string, inputFor: (id: number) => Input | Promise<Input>])[] = [
  ["a creation", "create_task", () => ({ title: "Made once", note: "Asked for." })],
  ["a change", "update_task", (id) => ({ task_id: id, title: "Changed once", expected_version: 1 })],
  ["a claim", "update_task", (id) => ({ task_id: id, claim_minutes: 10 })],
  ["a claim of the next", "update_task", () => ({ claim_next: 1 })],
  ["a release", "update_task", async (id) => ({ task_id: id, claim: await claimed(id), release: true, note: "Half." })],
  [
    "a change under a claim",
    "update_task",
    async (id) => ({ task_id: id, claim: await claimed(id), priority: "high" }),
  ],
  ["an undo", "update_task", async (id) => ({ undo: (await person.run("complete_task", { task_id: id })).change })],
  ["a completion", "complete_task", (id) => ({ task_id: id })],
  ["a deletion", "delete_task", (id) => ({ task_id: id })],
];

const toolResultSchema = z.object({
  isError: z.boolean().optional(),
  structuredContent: z.looseObject({ replayed: z.boolean().optional(), note: z.string().optional() }).optional(),
  content: z.tuple([z.object({ text: z.string() })]),
});

type Call = (tool: string, input: Input) => Promise<Response>;

/** Each interface, with the key in the input or in the header. */
const interfaces: readonly (readonly [name: string, call: Call])[] = [
  [
    "HTTP with a header",
    (tool, { idempotency_key: key, ...input }) => person.call(tool, input, { "Idempotency-Key": `"${key}"` }),
  ],
  ["HTTP", (tool, input) => person.call(tool, input)],
  ["stateless", (tool, input) => statelessRequest(person, "tools/call", { name: tool, arguments: input })],
  ["a session", async (tool, input) => (await ClientSession.open(person)).post(callBody(7, tool, input))],
];

/** What a call comes to: its structured answer, or why it was refused; and its text where it has one. */
async function told(call: Call, tool: string, input: Input) {
  const response = await call(tool, input);
  if (response.url.includes("/mcp/tools/")) {
    if (!response.ok) return { refusal: (await problemOf(response)).detail ?? "", status: response.status };
    return { structured: await response.json<Record<string, unknown>>() };
  }
  const { result } = await answerOf(response);
  const { isError, structuredContent, content } = toolResultSchema.parse(result);
  return isError
    ? { refusal: content[0].text, status: 409 }
    : { structured: structuredContent ?? {}, text: content[0].text };
}

describe.each(writes)("the key of %s", (_, tool, inputFor) => {
  it("is known in every interface: the same answer, marked, and nothing is done", async () => {
    const { id } = await person.runForTask("create_task", { title: "To be worked on" });
    await person.run("create_task", { title: "Another" });
    const input = { ...(await inputFor(id)), idempotency_key: crypto.randomUUID() };
    const first = await person.run(tool, input);
    const calls = await loggedCalls(person.id);

    expect(first).not.toHaveProperty("replayed");
    for (const [name, call] of interfaces) {
      const { structured, text } = await told(call, tool, input);
      expect(structured, name).toEqual({
        ...first,
        replayed: true,
        note: expect.stringMatching(/^This key was used before; nothing was done now\. .*\.$/),
      });
      if (text !== undefined) expect(text, name).toContain("This key was used before; nothing was done now.");
    }
    expect(await loggedCalls(person.id)).toEqual(calls);
  });

  it("with another input is a conflict in every interface, which shows the first call, and nothing is done", async () => {
    const { id } = await person.runForTask("create_task", { title: "To be worked on" });
    const input = { ...(await inputFor(id)), idempotency_key: crypto.randomUUID() };
    const first = z.object({ tasks: z.tuple([z.looseObject({ id: z.int() })]) }).parse(await person.run(tool, input));
    const calls = await loggedCalls(person.id);
    const other = { ...input, note: "Another note." };

    for (const [name, call] of interfaces) {
      const { refusal, status } = await told(call, tool, other);
      expect({ status, refusal }, name).toEqual({
        status: 409,
        refusal: expect.stringMatching(
          new RegExp(`was used for another call of ${tool}: #${first.tasks[0].id} ".*Nothing was done now`),
        ),
      });
    }
    expect(await loggedCalls(person.id)).toEqual(calls);
  });

  it("given twice, in the header and otherwise in the input, is refused, and nothing is done", async () => {
    const { id } = await person.runForTask("create_task", { title: "To be worked on" });
    const input = { ...(await inputFor(id)), idempotency_key: crypto.randomUUID() };
    const calls = await loggedCalls(person.id);
    const refused = await person.call(tool, input, { "Idempotency-Key": crypto.randomUUID() });

    expect(refused.status).toBe(400);
    expect((await problemOf(refused)).errors).toMatchObject([{ field: "idempotency_key" }]);
    expect(await loggedCalls(person.id)).toEqual(calls);
    const both = await person.call(tool, input, { "Idempotency-Key": input.idempotency_key });
    expect(await both.json()).not.toHaveProperty("replayed");
  });
});
