import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { DefaultChatTransport, readUIMessageStream, type UIMessage } from "ai";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { z } from "zod";
import {
  makeStartPlace,
  pasteCurlLines,
  type StartedServer,
  type StartPlace,
  startServer,
} from "../support/npm-start.ts";

const run = promisify(execFile);

const answerSchema = z.looseObject({
  response: z.string(),
  conversation_id: z.string(),
  tool_calls: z.array(z.looseObject({ tool: z.string(), status: z.string() })),
  approval_required: z.array(z.looseObject({ id: z.string() })).optional(),
});
const tasksSchema = z.object({
  tasks: z.array(z.object({ title: z.string(), status: z.string(), tags: z.array(z.string()).default([]) })),
});
const idsSchema = z.object({ tasks: z.array(z.object({ id: z.int() })) });

let place: StartPlace;

async function post(server: StartedServer, path: string, body: unknown): Promise<unknown> {
  const response = await fetch(server.url + path, {
    method: "POST",
    headers: { authorization: `Bearer ${server.token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer: unknown = await response.json();
  expect(response.status, JSON.stringify(answer)).toBe(200);
  return answer;
}

async function chat(server: StartedServer, body: object): Promise<z.output<typeof answerSchema>> {
  return answerSchema.parse(await post(server, "/chat", body));
}

async function tasks(server: StartedServer): Promise<string[]> {
  const { tasks: rows } = tasksSchema.parse(await post(server, "/mcp/tools/list_tasks", { status: "all" }));
  return rows.map(({ title, status, tags }) => [title, status, ...tags].join(" "));
}

/** The server as a person sees it who has no task yet. */
async function asNewPerson(server: StartedServer): Promise<StartedServer> {
  const account = { email: `${crypto.randomUUID()}@example.com`, password: "a password of the tests" };
  const response = await fetch(`${server.url}/api/auth/signup`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(account),
  });
  const { token } = z.object({ token: z.string() }).parse(await response.json());
  return { ...server, token };
}

/** What README.md shows of a conversation. */
async function readmeTranscript(): Promise<string> {
  const readme = await readFile(join(import.meta.dirname, "../../README.md"), "utf8");
  const [, transcript = ""] = /^```text\n(> .*?)^```$/ms.exec(readme) ?? [];
  expect(transcript).toContain("> yes\n");
  return transcript;
}

/** Says what a transcript has a person say, and writes down what is answered. */
async function replay(person: StartedServer, transcript: string): Promise<string> {
  let conversation: { conversation_id: string } | undefined;
  const written: string[] = [];
  for (const [, message = ""] of transcript.matchAll(/^> (.+)$/gm)) {
    const answer = await chat(person, { message, ...conversation });
    conversation = { conversation_id: answer.conversation_id };
    written.push(`> ${message}\n${answer.response}\n`);
  }
  return written.join("\n");
}

/** Sends one message of a conversation as `useChat` does, and gives the answer that it would show. */
async function useChat(server: StartedServer, chatId: string, ...messages: UIMessage[]): Promise<UIMessage> {
  const transport = new DefaultChatTransport({
    api: `${server.url}/api/chat`,
    headers: { authorization: `Bearer ${server.token}` },
  });
  const last = messages.at(-1);
  const stream = await transport.sendMessages({
    trigger: "submit-message",
    chatId,
    messageId: undefined,
    messages,
    abortSignal: undefined,
  });
  let message: UIMessage | undefined = last?.role === "assistant" ? structuredClone(last) : undefined;
  for await (const state of readUIMessageStream({ stream, terminateOnError: true, ...(message && { message }) }))
    message = state;
  if (message === undefined) throw new Error("no answer");
  return message;
}

const says = (text: string): UIMessage => ({ id: crypto.randomUUID(), role: "user", parts: [{ type: "text", text }] });

function wordsOf({ parts }: UIMessage): string {
  return parts.map((part) => (part.type === "text" ? part.text : "")).join("");
}

describe("npm start without a key", () => {
  let server: StartedServer;
  beforeAll(async () => {
    place = await makeStartPlace();
    server = await startServer(place);
  });
  afterAll(() => place.remove());

  it("answers POST /chat by a labelled demo model that works through the tools, and says what README.md shows", async () => {
    expect(server.output()).toContain("DEMO MODEL");

    const added = await chat(server, { message: "add milk, eggs and bread to groceries" });
    expect(added.response).toMatch(/^\[demo model\]/);
    expect(added.tool_calls.map(({ tool }) => tool)).toEqual(["create_task"]);
    expect(await tasks(server)).toEqual([
      "Milk pending groceries",
      "Eggs pending groceries",
      "Bread pending groceries",
    ]);

    const runbook = `curl -X POST https://api.yourdomain.com/chat \\
      -H "Authorization: Bearer $JWT_TOKEN" \\
      -H "Content-Type: application/json" \\
      -d '{"user_id": 1, "message": "List my tasks"}'`;
    const { stdout } = await run("/bin/sh", ["-c", runbook.replace("https://api.yourdomain.com", server.url)], {
      env: { ...process.env, JWT_TOKEN: server.token },
    });
    const listed = answerSchema.parse(JSON.parse(stdout));
    for (const title of ["Milk", "Eggs", "Bread"]) expect(listed.response).toContain(title);

    expect((await chat(server, { message: "show my tasks" })).response).toContain('#2 "Eggs"');
    const completed = await chat(server, { message: "complete milk" });
    expect(completed.tool_calls.map(({ tool }) => tool)).toEqual(["list_tasks", "complete_task"]);
    expect(await tasks(server)).toContain("Milk completed groceries");
    await chat(server, { message: "rename bread to rye bread" });
    expect(await tasks(server)).toContain("Rye bread pending groceries");

    const asked = await chat(server, { message: "delete eggs" });
    expect(asked.response).toMatch(/^\[demo model\]/);
    expect(asked.approval_required).toHaveLength(1);
    expect(await tasks(server)).toHaveLength(3);
    const approval = { id: asked.approval_required?.[0]?.id, approved: true };
    const deleted = await chat(server, { conversation_id: asked.conversation_id, approval });
    expect(deleted.response).toMatch(/^\[demo model\] Deleted/);
    expect(await tasks(server)).toEqual(["Milk completed groceries", "Rye bread pending groceries"]);

    const transcript = await readmeTranscript();
    expect(await replay(await asNewPerson(server), transcript)).toBe(transcript);

    const log = await readFile(join(place.dataDirectory, "worker.log"), "utf8");
    expect(log).toContain('"model":"demo-model"');
  });

  it("says what README.md shows, but for the numbers, to who has pasted the lines that it prints", async () => {
    const ids = idsSchema
      .parse(await post(server, "/mcp/tools/list_tasks", { status: "all" }))
      .tasks.map(({ id }) => id);
    if (ids.length > 0) await post(server, "/mcp/tools/delete_task", { task_ids: ids });
    await pasteCurlLines(server);
    const others = await tasks(server);
    expect(others.length).toBeGreaterThan(0);

    const transcript = await readmeTranscript();
    const withoutNumbers = (text: string) => text.replaceAll(/#\d+|change \d+/g, "#");
    const isOther = (line: string) => others.some((other) => line.startsWith(`# "${other.split(" pending")[0]}" · `));
    const said = withoutNumbers(await replay(server, transcript)).split("\n");
    expect(said.filter((line) => !isOther(line)).join("\n")).toBe(withoutNumbers(transcript));
  });

  it("answers POST /api/chat the same, approval included", async () => {
    const person = await asNewPerson(server);
    const added = await useChat(person, "ui", says("add milk, eggs and bread to groceries"));
    expect(added.parts.filter(({ type }) => type === "tool-create_task")).toHaveLength(1);
    expect(wordsOf(added)).toContain("[demo model]");
    expect(wordsOf(await useChat(person, "ui", says("show my tasks")))).toContain('#3 "Bread"');
    await useChat(person, "ui", says("complete milk"));
    const asked = await useChat(person, "ui", says("delete eggs"));
    expect(await tasks(person)).toEqual([
      "Milk completed groceries",
      "Eggs pending groceries",
      "Bread pending groceries",
    ]);
    for (const part of asked.parts) {
      if (part.type !== "tool-delete_task" || !("approval" in part)) continue;
      Object.assign(part, { state: "approval-responded", approval: { ...part.approval, approved: true } });
    }
    expect(wordsOf(await useChat(person, "ui", asked))).toContain('Deleted #2 "Eggs"');
    expect(await tasks(person)).toEqual(["Milk completed groceries", "Bread pending groceries"]);

    // What runs is the production bundle, and nothing of the demo model is in it.
    const bundles = (await readdir(place.dataDirectory, { recursive: true })).filter((name) =>
      name.endsWith("worker.js"),
    );
    expect(bundles.length).toBeGreaterThan(0);
    for (const name of bundles) {
      const bundle = await readFile(join(place.dataDirectory, name), "utf8");
      expect(bundle).not.toContain("[demo model]");
      expect(bundle).not.toContain("milk");
    }
    expect(await server.pressControlC()).toBe(0);
  });
});

describe("npm start with a key", () => {
  beforeEach(async () => {
    place = await makeStartPlace();
  });
  afterEach(() => place.remove());

  it("uses OPENAI_BASE_URL, and no demo model", async () => {
    const url = inject("scriptedResponsesUrl");
    const steps = [{ output: [{ type: "text", text: "I am another model." }] }];
    await fetch(`${url}/scripts/with-a-key`, { method: "PUT", body: JSON.stringify({ steps, repeats: true }) });
    const server = await startServer(place, {
      OPENAI_API_KEY: "a key",
      OPENAI_BASE_URL: url,
      OPENAI_MODEL: "another-model",
    });
    expect(server.output()).not.toMatch(/demo model/i);
    expect(server.output()).toContain(`another-model at ${url}`);
    expect((await chat(server, { message: "show my tasks [script with-a-key]" })).response).toBe("I am another model.");
  });
});
