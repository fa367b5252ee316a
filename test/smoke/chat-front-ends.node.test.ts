import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import { z } from "zod";
import { makeStartPlace, npmStart, type StartedServer, type StartPlace } from "../support/npm-start.ts";
import type { ScriptStep } from "../support/scripted-responses.ts";

// Front ends that are not ours, unchanged, against `npm start`: only the model is stood in for.

const run = promisify(execFile);
const clients = join(import.meta.dirname, "../clients");
const isInstalled = existsSync(join(clients, "node_modules/@assistant-ui/react-ai-sdk"));

const partSchema = z.looseObject({ type: z.string() });
const messageSchema = z.looseObject({ id: z.string(), parts: z.array(partSchema) });
const tasksSchema = z.object({ tasks: z.array(z.object({ title: z.string() })) });

it.runIf(process.env.CI === "true")("the clients of test/clients are installed", () => {
  expect(isInstalled).toBe(true);
});

describe.skipIf(!isInstalled)("front ends not ours (need npm ci --prefix test/clients)", () => {
  let place: StartPlace;
  let server: StartedServer;

  beforeEach(async () => {
    place = await makeStartPlace();
    server = await npmStart(place, { OPENAI_API_KEY: "a key", OPENAI_BASE_URL: inject("scriptedResponsesUrl") });
  });

  afterEach(async () => {
    await place.remove();
  });

  /** Writes a script, and gives the words that have it played. */
  async function script(words: string, steps: readonly ScriptStep[]): Promise<{ words: string; url: string }> {
    const id = crypto.randomUUID();
    const url = `${inject("scriptedResponsesUrl")}/scripts/${id}`;
    await fetch(url, { method: "PUT", body: JSON.stringify({ steps, repeats: false }) });
    return { words: `${words} [script ${id}]`, url };
  }

  const call = (name: string, input: object) => ({ type: "call" as const, name, arguments: JSON.stringify(input) });
  const says = (text: string): ScriptStep => ({ output: [{ type: "text", text }] });

  async function converse(program: string): Promise<unknown> {
    const add = await script("add milk and eggs", [
      {
        output: [call("create_task", { title: `${program} milk` }), call("create_task", { title: `${program} eggs` })],
      },
      says("Added both."),
    ]);
    const remove = await script("delete eggs", [
      { output: [call("list_tasks", { search: `${program} eggs` })] },
      { output: [{ type: "call", name: "delete_task", arguments: '{"task_id": {{1}}}' }] },
      says("Deleted."),
    ]);
    const interrupted = await script("tell me", [
      { output: [{ type: "text", text: "one two three four" }], holdAfter: 6 },
    ]);
    const say = {
      add: add.words,
      delete: remove.words,
      interrupted: interrupted.words,
      release: `${interrupted.url}/release`,
    };
    const { stdout } = await run(process.execPath, [join(clients, `${program}-program.mjs`)], {
      env: { ...process.env, CHAT: JSON.stringify({ url: server.url, token: server.token, say }) },
    });
    const requests = z.object({ requests: z.array(z.unknown()) }).parse(await (await fetch(interrupted.url)).json());
    expect(requests.requests, "the model was asked once, and not again for the resumed stream").toHaveLength(1);
    return JSON.parse(stdout);
  }

  async function titles(search: string): Promise<string[]> {
    const response = await fetch(`${server.url}/mcp/tools/list_tasks`, {
      method: "POST",
      headers: { authorization: `Bearer ${server.token}`, "content-type": "application/json" },
      body: JSON.stringify({ search }),
    });
    return tasksSchema.parse(await response.json()).tasks.map(({ title }) => title);
  }

  it("useChat of @ai-sdk/react: tool calls, an approval, and a page closed in the middle of an answer", async () => {
    const shown = z
      .object({
        added: messageSchema,
        asked: messageSchema,
        deleted: messageSchema,
        resumed: messageSchema,
        roles: z.array(z.string()),
      })
      .parse(await converse("use-chat"));
    expect(shown.added.parts.map(({ type, state }) => [type, state])).toEqual([
      ["step-start", undefined],
      ["tool-create_task", "output-available"],
      ["tool-create_task", "output-available"],
      ["step-start", undefined],
      ["text", "done"],
    ]);
    expect(shown.asked.parts).toContainEqual(
      expect.objectContaining({ type: "tool-delete_task", state: "approval-requested" }),
    );
    expect(shown.deleted.id).toBe(shown.asked.id);
    expect(shown.deleted.parts).toContainEqual(
      expect.objectContaining({ type: "tool-delete_task", state: "output-available" }),
    );
    expect(shown.deleted.parts.at(-1)).toMatchObject({ type: "text", text: "Deleted." });
    expect(shown.resumed.parts.at(-1)).toMatchObject({ type: "text", text: "one two three four" });
    expect(shown.roles).toEqual(["user", "assistant", "user", "assistant", "user", "assistant"]);
    expect(await titles("use-chat")).toEqual(["use-chat milk"]);
  });

  it("the runtime of @assistant-ui/react-ai-sdk: the same", async () => {
    const parts = z.array(partSchema);
    const shown = z
      .object({ added: parts, asked: parts, deleted: parts, resumed: parts })
      .parse(await converse("assistant-ui"));
    const tools = (of: z.output<typeof parts>) => of.filter(({ type }) => type === "tool-call");
    expect(tools(shown.added)).toMatchObject([
      { toolName: "create_task", result: { tasks: [{ title: "assistant-ui milk" }] } },
      { toolName: "create_task", result: { tasks: [{ title: "assistant-ui eggs" }] } },
    ]);
    expect(shown.added.at(-1)).toMatchObject({ type: "text", text: "Added both." });
    expect(tools(shown.asked).at(-1)).toMatchObject({ toolName: "delete_task", approval: { id: expect.any(String) } });
    expect(tools(shown.deleted).at(-1)).toMatchObject({
      toolName: "delete_task",
      result: { tasks: [{ title: "assistant-ui eggs" }] },
    });
    expect(shown.deleted.at(-1)).toMatchObject({ type: "text", text: "Deleted." });
    expect(shown.resumed.at(-1)).toMatchObject({ type: "text", text: "one two three four" });
    expect(await titles("assistant-ui")).toEqual(["assistant-ui milk"]);
  });
});
