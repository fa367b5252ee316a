import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { z } from "zod";
import { METRICS_TOKEN } from "../support/fault-proxy/faulty-server.ts";
import { type MixedReleases, prepareMixedReleases, RELEASE_HEADER, type Release } from "../support/mixed-releases.ts";
import { calls, Script, says } from "../support/scripted-model.ts";

// During a gradual release both releases answer, and Durable Objects are moved to the new one one by one; a rollback
// moves them back. The tests are one story over the same rows and objects: objects of the release before, of this one,
// and, after a rollback, of the release before again.

const PROTOCOL = "2025-11-25";
const STATELESS = "2026-07-28";
const ORDERS: readonly (readonly [Release, Release])[] = [
  ["before", "now"],
  ["now", "before"],
];

const sessionSchema = z.object({ token: z.string() });
const tasksSchema = z.object({ tasks: z.array(z.object({ id: z.int(), title: z.string(), version: z.int() })) });
const pageSchema = z.object({
  tasks: z.array(z.object({ id: z.int() })).optional(),
  conversations: z.array(z.object({ id: z.string() })).optional(),
  next_cursor: z.string().optional(),
});
const messageSchema = z.object({
  result: z.looseObject({ isError: z.boolean().optional(), structuredContent: z.unknown() }),
});
const chatSchema = z.object({
  response: z.string(),
  conversation_id: z.string(),
  approval_required: z.tuple([z.object({ id: z.string() })]).optional(),
  error: z.unknown().optional(),
});

let releases: MixedReleases;
let token: string;
/** Every request that failed for a reason of the server's own. */
const failures: string[] = [];
/** The titles of the tasks that were acknowledged, and not deleted since. */
const titles = new Set<string>();
/** MCP sessions that are open from one part of the story to the next. */
const sessions: string[] = [];
/** Questions that are open likewise. */
const questions: { conversation: string; approval: string; title: string }[] = [];
let lastTitle = 0;

function newTitle(): string {
  lastTitle += 1;
  return `Task ${lastTitle}`;
}

async function send(release: Release, method: string, path: string, body?: unknown, headers = {}): Promise<Response> {
  const response = await fetch(`${releases.url}${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${token}`,
      "Content-Type": "application/json",
      [RELEASE_HEADER]: release,
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (response.status >= 500) {
    failures.push(`${release}: ${method} ${path}: ${response.status} ${await response.clone().text()}`);
  }
  return response;
}

async function call(release: Release, tool: string, input: object, headers = {}) {
  const response = await send(release, "POST", `/mcp/tools/${tool}`, input, headers);
  const answer: unknown = await response.json();
  expect(response.status, `${release}: ${tool}: ${JSON.stringify(answer)}`).toBe(200);
  return tasksSchema.parse(answer).tasks;
}

function rpc(release: Release, session: string | undefined, method: string, params: object): Promise<Response> {
  const headers = { Accept: "application/json, text/event-stream", ...(session && { "Mcp-Session-Id": session }) };
  return send(release, "POST", "/mcp", { jsonrpc: "2.0", id: 1, method, params }, headers);
}

async function openSession(release: Release): Promise<string> {
  const clientInfo = { name: "test", version: "1.0.0" };
  const response = await rpc(release, undefined, "initialize", {
    protocolVersion: PROTOCOL,
    capabilities: {},
    clientInfo,
  });
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return z.string().parse(response.headers.get("Mcp-Session-Id"));
}

/** Creates a task in a session. @returns the text of the answer, as it was streamed */
async function createIn(session: string, release: Release): Promise<string> {
  const title = newTitle();
  const response = await rpc(release, session, "tools/call", { name: "create_task", arguments: { title } });
  const text = await response.text();
  expect(response.status, `${release}: ${text}`).toBe(200);
  const { result } = messageSchema.parse(JSON.parse(/^data: (\{.*)$/m.exec(text)?.[1] ?? text));
  expect(tasksSchema.parse(result.structuredContent).tasks).toMatchObject([{ title }]);
  titles.add(title);
  return text;
}

async function chat(release: Release, body: object) {
  const response = await send(release, "POST", "/chat", body);
  const answer: unknown = await response.json();
  expect(response.status, `${release}: ${JSON.stringify(answer)}`).toBe(200);
  expect(answer).not.toHaveProperty("error");
  return chatSchema.parse(answer);
}

/** Has the agent ask whether it may delete a task. */
async function ask(release: Release) {
  const title = newTitle();
  const [task] = await call(release, "create_task", { title });
  titles.add(title);
  const script = await Script.write([calls(["delete_task", { task_id: task?.id }]), says("Deleted.")]);
  const { conversation_id, approval_required } = await chat(release, { message: `Delete it ${script.mark}` });
  const approval = z.string().parse(approval_required?.[0].id);
  return { conversation: conversation_id, approval, title };
}

async function answerYes(release: Release, { conversation, approval, title }: (typeof questions)[number]) {
  const body = { conversation_id: conversation, approval: { id: approval, approved: true } };
  expect((await chat(release, body)).response).toBe("Deleted.");
  titles.delete(title);
}

describe.skipIf(inject("clusterUrl") === undefined)("the release before and this one, side by side", () => {
  beforeAll(async () => {
    releases = await prepareMixedReleases();
  });
  afterAll(() => releases?.close());

  describe.each<[string, Release]>([
    ["objects of the release before", "before"],
    ["objects of this one", "now"],
    ["objects of the release before again, after a rollback", "before"],
  ])("%s", (_, objects) => {
    beforeAll(async () => {
      await releases.putObjectsOn(objects);
      if (token !== undefined) return;
      const body = { email: "releases@example.com", password: "TestPass123" };
      const response = await send("before", "POST", "/api/auth/signup", body, { Authorization: "" });
      token = sessionSchema.parse(await response.json()).token;
    });

    it.each(ORDERS)("a token of %s is one of %s, until it is signed out", async (one, other) => {
      const signedIn = await send(one, "POST", "/api/auth/signin", {
        email: "releases@example.com",
        password: "TestPass123",
      });
      const headers = { Authorization: `Bearer ${sessionSchema.parse(await signedIn.json()).token}` };
      expect((await send(other, "GET", "/api/auth/me", undefined, headers)).status).toBe(200);
      expect((await send(other, "POST", "/api/auth/signout", undefined, headers)).status).toBe(204);
      expect((await send(one, "GET", "/api/auth/me", undefined, headers)).status).toBe(401);
    });

    it.each(ORDERS)("a task of %s is read, changed and deleted by %s", async (one, other) => {
      const [kept, gone] = [newTitle(), newTitle()];
      const [task] = await call(one, "create_task", { title: kept, tags: ["releases"], due: "2027-01-31" });
      const [deleted] = await call(one, "create_task", { title: gone });
      const changed = await call(other, "update_task", {
        task_id: task?.id,
        priority: "high",
        expected_version: task?.version,
      });
      expect(changed).toMatchObject([{ title: kept, version: 2 }]);
      expect(await call(one, "complete_task", { task_id: task?.id })).toMatchObject([{ version: 3 }]);
      expect(await call(other, "list_tasks", { status: "all", search: kept })).toMatchObject([{ id: task?.id }]);
      await call(other, "delete_task", { task_id: deleted?.id });
      expect((await send(one, "POST", "/mcp/tools/get_task", { task_id: deleted?.id })).status).toBe(404);
      titles.add(kept);
    });

    it.each(ORDERS)("a list of tasks or conversations that %s begins is read on at %s", async (one, other) => {
      for (const title of [newTitle(), newTitle()]) {
        await call(one, "create_task", { title });
        titles.add(title);
        await chat(one, { message: `Hi ${(await Script.write([says("Hello.")])).mark}` });
      }
      const tasks = async (release: Release, cursor?: string) => {
        const response = await send(release, "POST", "/mcp/tools/list_tasks", { order: "created", limit: 1, cursor });
        return pageSchema.parse(await response.json());
      };
      const conversations = async (release: Release, cursor = "") => {
        const query = cursor && `&cursor=${encodeURIComponent(cursor)}`;
        return pageSchema.parse(await (await send(release, "GET", `/api/conversations?limit=1${query}`)).json());
      };
      for (const list of [tasks, conversations]) {
        const first = await list(one);
        const second = await list(other, z.string().parse(first.next_cursor));
        expect([...(second.tasks ?? []), ...(second.conversations ?? [])]).toHaveLength(1);
        expect(second).not.toMatchObject(first);
      }
    });

    it.each(ORDERS)("a key of %s makes one task by %s as well", async (one, other) => {
      const title = newTitle();
      const input = { title, idempotency_key: crypto.randomUUID() };
      const [task] = await call(one, "create_task", input);
      expect(await call(other, "create_task", input)).toMatchObject([{ id: task?.id, title }]);
      titles.add(title);
    });

    it.each(ORDERS)("a session that %s opens goes on at %s, is resumed there, and ends there", async (one, other) => {
      const session = await openSession(one);
      await createIn(session, other);
      const answer = await createIn(session, one);
      const resumed = await send(other, "GET", "/mcp", undefined, {
        Accept: "text/event-stream",
        "Mcp-Session-Id": session,
        // The event before the answer: what follows is sent once more.
        "Last-Event-ID": z.string().parse(/^id: (.+)$/m.exec(answer)?.[1]),
      });
      expect(resumed.status).toBeLessThan(300);
      await resumed.body?.cancel();
      const ended = await send(other, "DELETE", "/mcp", undefined, { "Mcp-Session-Id": session });
      expect(ended.status).toBeLessThan(300);
      expect((await rpc(one, session, "ping", {})).status).toBe(404);
    });

    it("sessions that were open before go on", async () => {
      for (const session of sessions) for (const release of ORDERS[0] ?? []) await createIn(session, release);
      for (const release of ORDERS[0] ?? []) sessions.push(await openSession(release));
    });

    it.each(ORDERS)("the stateless mode answers at %s and at %s", async (...both) => {
      for (const release of both) {
        const _meta = {
          "io.modelcontextprotocol/protocolVersion": STATELESS,
          "io.modelcontextprotocol/clientInfo": { name: "test", version: "1.0.0" },
          "io.modelcontextprotocol/clientCapabilities": {},
        };
        const title = newTitle();
        const params = { name: "create_task", arguments: { title }, _meta };
        const response = await send(
          release,
          "POST",
          "/mcp",
          { jsonrpc: "2.0", id: 1, method: "tools/call", params },
          {
            Accept: "application/json, text/event-stream",
            "Mcp-Protocol-Version": STATELESS,
            "Mcp-Method": "tools/call",
            "Mcp-Name": "create_task",
          },
        );
        expect(await response.text()).toContain(title);
        titles.add(title);
      }
    });

    it.each(ORDERS)("a conversation of %s goes on at %s, and its question is answered there", async (one, other) => {
      const title = newTitle();
      const script = await Script.write([calls(["create_task", { title }]), says("Added.")]);
      const { conversation_id } = await chat(one, { message: `Add it ${script.mark}` });
      titles.add(title);
      const next = await Script.write([says("Hello again.")]);
      const again = await chat(other, { message: `And now? ${next.mark}`, conversation_id });
      expect(again.response).toBe("Hello again.");
      const read = await send(one, "GET", `/api/conversations/${conversation_id}`);
      expect(await read.text()).toContain("Hello again.");
      await answerYes(other, await ask(one));
    });

    it.each(ORDERS)("what %s is saying is heard by way of %s", async (one, other) => {
      const script = await Script.write([{ output: [{ type: "text", text: "Hello there." }], holdAfter: 5 }]);
      const id = crypto.randomUUID();
      const messages = [{ id: "1", role: "user", parts: [{ type: "text", text: `Hi ${script.mark}` }] }];
      const saying = await send(one, "POST", "/api/chat", { id, messages, trigger: "submit-message" });
      const heard = await send(other, "GET", `/api/chat/${id}/stream`);
      expect(heard.status).toBe(200);
      await script.release();
      for (const response of [saying, heard]) expect(await response.text()).toContain("finish");
    });

    it("questions that were open before are answered", async () => {
      for (const [index, question] of questions.splice(0).entries()) {
        await answerYes(index % 2 === 0 ? "now" : "before", question);
      }
      for (const release of ORDERS[0] ?? []) questions.push(await ask(release));
    });

    it("both count", async () => {
      const headers = { Authorization: `Bearer ${METRICS_TOKEN}` };
      for (const release of ORDERS[0] ?? []) {
        const response = await send(release, "GET", "/metrics", undefined, headers);
        expect(await response.text()).toMatch(/^http_requests_total\{.*\} [1-9]/m);
      }
    });

    it("loses nothing, doubles nothing, and fails nowhere", async () => {
      const { rows } = await releases.owner.query<{ title: string }>("select title from tasks");
      expect(rows.map(({ title }) => title).sort()).toEqual([...titles].sort());
      expect(failures).toEqual([]);
      expect(releases.log.filter((line) => line.includes('"level":"error"'))).toEqual([]);
    });
  });
});
