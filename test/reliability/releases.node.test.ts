import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { z } from "zod";
import { METRICS_TOKEN } from "../support/fault-proxy/faulty-server.ts";
import { prepareMixedReleases, type Release } from "../support/mixed-releases.ts";
import { type Question, ReleaseStory, tokenSchema } from "../support/release-story.ts";
import { meetClaim, meetDeletion, meetRecurrence, meetUndo, writeInTurn } from "../support/release-writes.ts";
import { calls, Script, says } from "../support/scripted-model.ts";

// During a gradual release both releases answer, and Durable Objects are moved to the new one one by one; a rollback
// moves them back. The tests are one story over the same rows and objects: objects of the release before, of this one,
// and, after a rollback, of the release before again.

const STATELESS = "2026-07-28";
const ORDERS: readonly (readonly [Release, Release])[] = [
  ["before", "now"],
  ["now", "before"],
];

const pageSchema = z.object({
  tasks: z.array(z.object({ id: z.int() })).optional(),
  conversations: z.array(z.object({ id: z.string() })).optional(),
  next_cursor: z.string().optional(),
});

let story: ReleaseStory;
/** MCP sessions that are open from one part of the story to the next. */
const sessions: string[] = [];
/** Questions that are open likewise. */
const questions: Question[] = [];
/** Conversations in which a message was edited and its answer regenerated. */
const rewritten: string[] = [];

describe.skipIf(inject("clusterUrl") === undefined)("the release before and this one, side by side", () => {
  beforeAll(async () => {
    story = new ReleaseStory(await prepareMixedReleases());
  });
  afterAll(() => story?.releases.close());

  describe.each<[string, Release]>([
    ["objects of the release before", "before"],
    ["objects of this one", "now"],
    ["objects of the release before again, after a rollback", "before"],
  ])("%s", (_, objects) => {
    beforeAll(async () => {
      await story.releases.putObjectsOn(objects);
      await story.signUpOnce();
    });

    it.each(ORDERS)("a token of %s is one of %s, until it is signed out", async (one, other) => {
      const signedIn = await story.send(one, "POST", "/api/auth/signin", {
        email: "releases@example.com",
        password: "TestPass123",
      });
      const headers = { Authorization: `Bearer ${tokenSchema.parse(await signedIn.json()).token}` };
      expect((await story.send(other, "GET", "/api/auth/me", undefined, headers)).status).toBe(200);
      expect((await story.send(other, "POST", "/api/auth/signout", undefined, headers)).status).toBe(204);
      expect((await story.send(one, "GET", "/api/auth/me", undefined, headers)).status).toBe(401);
    });

    it.each(ORDERS)("a task of %s is read, changed and deleted by %s", async (one, other) => {
      const [kept, gone] = [story.newTitle(), story.newTitle()];
      const [task] = await story.call(one, "create_task", { title: kept, tags: ["releases"], due: "2027-01-31" });
      const [deleted] = await story.call(one, "create_task", { title: gone });
      const changed = await story.call(other, "update_task", {
        task_id: task?.id,
        priority: "high",
        expected_version: task?.version,
      });
      expect(changed).toMatchObject([{ title: kept, version: 2 }]);
      expect(await story.call(one, "complete_task", { task_id: task?.id })).toMatchObject([{ version: 3 }]);
      expect(await story.call(other, "list_tasks", { status: "all", search: kept })).toMatchObject([{ id: task?.id }]);
      await story.call(other, "delete_task", { task_id: deleted?.id });
      expect((await story.send(one, "POST", "/mcp/tools/get_task", { task_id: deleted?.id })).status).toBe(404);
      story.titles.add(kept);
    });

    it.each(ORDERS)("a task that recurs is completed by %s, and there is the next one", (completer) =>
      meetRecurrence(story, completer),
    );

    it.each(ORDERS)("a task of %s that an agent has claimed is a conflict to the release before", (one) =>
      meetClaim(story, one),
    );

    it.each(ORDERS)("a task that %s has deleted is there for neither, and for both after an undo", (one) =>
      meetDeletion(story, one),
    );

    it.each(ORDERS)("what %s has changed is undone, and the release before goes on from there", (one) =>
      meetUndo(story, one),
    );

    it.each(ORDERS)("%s and %s change a task in turn, and the log has all of it", (one, other) =>
      writeInTurn(story, one, other),
    );

    it.each(ORDERS)("a list of tasks or conversations that %s begins is read on at %s", async (one, other) => {
      for (const title of [story.newTitle(), story.newTitle()]) {
        await story.call(one, "create_task", { title });
        story.titles.add(title);
        await story.chat(one, { message: `Hi ${(await Script.write([says("Hello.")])).mark}` });
      }
      const tasks = async (release: Release, cursor?: string) => {
        const response = await story.send(release, "POST", "/mcp/tools/list_tasks", {
          order: "created",
          limit: 1,
          cursor,
        });
        return pageSchema.parse(await response.json());
      };
      const conversations = async (release: Release, cursor = "") => {
        const query = cursor && `&cursor=${encodeURIComponent(cursor)}`;
        return pageSchema.parse(await (await story.send(release, "GET", `/api/conversations?limit=1${query}`)).json());
      };
      for (const list of [tasks, conversations]) {
        const first = await list(one);
        const second = await list(other, z.string().parse(first.next_cursor));
        expect([...(second.tasks ?? []), ...(second.conversations ?? [])]).toHaveLength(1);
        expect(second).not.toMatchObject(first);
      }
    });

    it.each(ORDERS)("a key of %s makes one task by %s as well", async (one, other) => {
      const title = story.newTitle();
      const input = { title, idempotency_key: crypto.randomUUID() };
      const [task] = await story.call(one, "create_task", input);
      expect(await story.call(other, "create_task", input)).toMatchObject([{ id: task?.id, title }]);
      story.titles.add(title);
    });

    it.each(ORDERS)("a session that %s opens goes on at %s, is resumed there, and ends there", async (one, other) => {
      const session = await story.openSession(one);
      await story.createIn(session, other);
      for (const release of [one, other]) expect(await story.listIn(session, release)).toBeGreaterThan(0);
      const answer = await story.createIn(session, one);
      const resumed = await story.send(other, "GET", "/mcp", undefined, {
        Accept: "text/event-stream",
        "Mcp-Session-Id": session,
        // The event before the answer: what follows is sent once more.
        "Last-Event-ID": z.string().parse(/^id: (.+)$/m.exec(answer)?.[1]),
      });
      expect(resumed.status).toBeLessThan(300);
      await resumed.body?.cancel();
      const ended = await story.send(other, "DELETE", "/mcp", undefined, { "Mcp-Session-Id": session });
      expect(ended.status).toBeLessThan(300);
      expect((await story.rpc(one, session, "ping", {})).status).toBe(404);
      expect((await story.rpc(other, session, "tools/list", {})).status).toBe(404);
    });

    it("sessions that were open before go on", async () => {
      for (const session of sessions)
        for (const release of ORDERS[0] ?? []) {
          await story.createIn(session, release);
          expect(await story.listIn(session, release)).toBeGreaterThan(0);
        }
      for (const release of ORDERS[0] ?? []) sessions.push(await story.openSession(release));
    });

    it.each(ORDERS)("the stateless mode answers at %s and at %s", async (...both) => {
      for (const release of both) {
        const _meta = {
          "io.modelcontextprotocol/protocolVersion": STATELESS,
          "io.modelcontextprotocol/clientInfo": { name: "test", version: "1.0.0" },
          "io.modelcontextprotocol/clientCapabilities": {},
        };
        const title = story.newTitle();
        const params = { name: "create_task", arguments: { title }, _meta };
        const response = await story.send(
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
        story.titles.add(title);
      }
    });

    it.each(ORDERS)("a conversation of %s goes on at %s, and its question is answered there", async (one, other) => {
      const title = story.newTitle();
      const script = await Script.write([calls(["create_task", { title }]), says("Added.")]);
      const { conversation_id } = await story.chat(one, { message: `Add it ${script.mark}` });
      story.titles.add(title);
      const next = await Script.write([says("Hello again.")]);
      const again = await story.chat(other, { message: `And now? ${next.mark}`, conversation_id });
      expect(again.response).toBe("Hello again.");
      const read = await story.send(one, "GET", `/api/conversations/${conversation_id}`);
      expect(await read.text()).toContain("Hello again.");
      await story.answerYes(other, await story.ask(one));
    });

    it.each(ORDERS)(
      "an answer of %s is edited at %s and regenerated, and nothing is done twice",
      async (one, other) => {
        const title = story.newTitle();
        const id = crypto.randomUUID();
        const say = async (release: Release, text: string, more: object) => {
          const messages = [{ id: "m-1", role: "user", parts: [{ type: "text", text }] }];
          return (await story.send(release, "POST", "/api/chat", { id, messages, ...more })).text();
        };
        const script = await Script.write([calls(["create_task", { title }]), says("Added.")]);
        expect(await say(one, `Add it ${script.mark}`, { trigger: "submit-message" })).toContain("Added.");
        story.titles.add(title);
        const edited = await Script.write([says("Edited."), says("Again.")]);
        const text = `Add it tomorrow ${edited.mark}`;
        expect(await say(other, text, { trigger: "submit-message", messageId: "m-1" })).toContain("Edited.");
        const [request] = (await edited.record()).requests;
        const calledBefore = request?.input.filter((item) => "name" in item && item.name === "create_task");
        expect(calledBefore).toHaveLength(objects === "now" ? 1 : 0);
        // The release before does not say that it regenerates, and to this one a message that is sent twice is answered once.
        const isTold = objects === "now" && one === "before" ? "Edited." : "Again.";
        expect(await say(one, text, { trigger: "regenerate-message" })).toContain(isTold);
        const read = await story.send(one, "GET", `/api/conversations/${id}`);
        expect(await read.json()).toMatchObject({ messages: [{ id: "m-1" }, { role: "assistant" }] });
        rewritten.push(id);
        for (const conversation_id of rewritten) {
          const next = await Script.write([says("Hello again.")]);
          const answer = await story.chat(other, { message: `And now? ${next.mark}`, conversation_id });
          expect(answer.response).toBe("Hello again.");
        }
      },
    );

    it.each(ORDERS)("what %s is saying is heard by way of %s", async (one, other) => {
      const script = await Script.write([{ output: [{ type: "text", text: "Hello there." }], holdAfter: 5 }]);
      const id = crypto.randomUUID();
      const messages = [{ id: "1", role: "user", parts: [{ type: "text", text: `Hi ${script.mark}` }] }];
      const saying = await story.send(one, "POST", "/api/chat", { id, messages, trigger: "submit-message" });
      const heard = await story.send(other, "GET", `/api/chat/${id}/stream`);
      expect(heard.status).toBe(200);
      await script.release();
      for (const response of [saying, heard]) expect(await response.text()).toContain("finish");
    });

    it("questions that were open before are answered", async () => {
      for (const [index, question] of questions.splice(0).entries()) {
        await story.answerYes(index % 2 === 0 ? "now" : "before", question);
      }
      for (const release of ORDERS[0] ?? []) questions.push(await story.ask(release));
    });

    it("both count", async () => {
      const headers = { Authorization: `Bearer ${METRICS_TOKEN}` };
      for (const release of ORDERS[0] ?? []) {
        const response = await story.send(release, "GET", "/metrics", undefined, headers);
        expect(await response.text()).toMatch(/^http_requests_total\{.*\} [1-9]/m);
      }
    });

    it("loses nothing, doubles nothing, and fails nowhere", async () => {
      const { rows } = await story.releases.owner.query<{ title: string }>(
        "select title from tasks where deleted_at is null",
      );
      expect(rows.map(({ title }) => title).sort()).toEqual([...story.titles].sort());
      expect(story.failures).toEqual([]);
      expect(story.releases.log.filter((line) => line.includes('"level":"error"'))).toEqual([]);
    });
  });
});
