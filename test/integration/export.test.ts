import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { chat } from "../support/chatting.ts";
import { connectClient, makeToken } from "../support/connections.ts";
import { enoughOfMinute } from "../support/limiter-minute.ts";
import { interceptRequests } from "../support/lost-answers.ts";
import { ownerQuery } from "../support/owner.ts";
import { PASSWORD, Person, problemOf, send } from "../support/person.ts";
import { Script, says } from "../support/scripted-model.ts";

const exportSchema = z.strictObject({
  format: z.literal(1),
  exported_at: z.iso.datetime(),
  account: z.strictObject({
    id: z.int(),
    email: z.string(),
    name: z.string(),
    time_zone: z.string(),
    week_start: z.string(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
    signed_in_at: z.iso.datetime().nullable(),
    signed_out_at: z.iso.datetime().nullable(),
    site_identities: z.array(z.unknown()),
    chat_tokens: z.array(z.strictObject({ day: z.iso.date(), tokens: z.int() })),
  }),
  clients: z.array(z.looseObject({ id: z.string(), name: z.string() })),
  personal_tokens: z.array(z.looseObject({ id: z.string(), name: z.string() })),
  tasks: z.array(z.looseObject({ id: z.int(), title: z.string(), description: z.string().optional() })),
  changes: z.array(z.looseObject({ change: z.int(), at: z.iso.datetime(), via: z.string() })),
  task_changes: z.array(z.looseObject({ change: z.int(), task_id: z.int(), operation: z.string() })),
  conversations: z.array(z.looseObject({ id: z.string(), title: z.string() })),
  messages: z.array(
    z.looseObject({ conversation_id: z.string(), id: z.string(), role: z.string(), parts: z.array(z.unknown()) }),
  ),
});

const readExport = async (person: Person) => {
  const response = await person.send("/api/export");
  expect(response.status).toBe(200);
  return exportSchema.parse(await response.json());
};

describe("an export", () => {
  it("has everything that is kept of a person, no secret, and nothing of anybody else", async () => {
    const person = await Person.signUp({ name: "Ada" });
    const neighbour = await Person.signUp({ name: "Grace" });
    await neighbour.run("create_task", { title: "the neighbour's" });
    const { id } = await person.runForTask("create_task", { title: "Buy milk", due: "2026-12-01", tags: ["home"] });
    await person.run("complete_task", { task_id: id, note: "From the corner shop." });
    const gone = await person.runForTask("create_task", { title: "Given up" });
    await person.run("delete_task", { task_id: gone.id });
    await ownerQuery("update task_changes set overrode = 7 where user_id = $1 and change = 2", [person.id]);
    await ownerQuery("insert into site_identities values ('https://site.example', 'ada', $1)", [person.id]);
    const client = await connectClient(person);
    await ownerQuery(`update oauth_grants set record = '{"encrypted": "the record"}' where id = $1`, [client]);
    const { token, id: tokenId } = await makeToken(person);
    const { mark } = await Script.write([says("Done for today.")]);
    const { conversation_id } = await chat(person, { message: `Good night ${mark}` });
    const response = await person.send("/api/export");
    const text = await response.text();
    const exported = exportSchema.parse(JSON.parse(text));

    expect(response.headers.get("Content-Type")).toBe("application/json");
    expect(response.headers.get("Content-Disposition")).toBe('attachment; filename="tasks-export.json"');
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    expect(exported.account).toMatchObject({
      ...person.session.user,
      site_identities: [{ issuer: "https://site.example", subject: "ada" }],
      chat_tokens: [{ tokens: expect.any(Number) }],
    });
    expect(exported.tasks).toMatchObject([
      { id, title: "Buy milk", status: "completed", due: "2026-12-01", tags: ["home"], version: 2 },
      { id: gone.id, title: "Given up", deleted_at: expect.any(String) },
    ]);
    expect(exported.changes).toMatchObject([
      { change: 1, tool: "create_task", via: "http", note: null },
      { change: 2, tool: "complete_task", note: "From the corner shop." },
      { change: 3, tool: "create_task" },
      { change: 4, tool: "delete_task" },
    ]);
    expect(exported.task_changes).toMatchObject([
      { change: 1, task_id: id, operation: "insert", before: null, after: { title: "Buy milk" } },
      {
        change: 2,
        task_id: id,
        operation: "update",
        before: { status: "pending" },
        after: { status: "completed" },
        overrode: 7,
      },
      { change: 3, task_id: gone.id, operation: "insert" },
      { change: 4, task_id: gone.id, operation: "delete", before: { title: "Given up" } },
    ]);
    expect(exported.clients).toMatchObject([{ id: client, name: "Claude" }]);
    expect(exported.personal_tokens).toMatchObject([{ id: tokenId, name: "Laptop" }]);
    expect(exported.conversations).toMatchObject([{ id: conversation_id }]);
    expect(exported.messages).toMatchObject([
      { conversation_id, role: "user", parts: [{ type: "text", text: `Good night ${mark}` }] },
      { conversation_id, role: "assistant" },
    ]);
    expect(JSON.stringify(exported.messages[1])).toContain("Done for today.");
    for (const secret of [token.slice(-22), "scrypt", "the record", "neighbour", "Grace"]) {
      expect(text).not.toContain(secret);
    }
  });

  it("of somebody who has nothing is whole too", async () => {
    const person = await Person.signUp();

    expect(await readExport(person)).toMatchObject({
      tasks: [],
      changes: [],
      task_changes: [],
      conversations: [],
      messages: [],
      clients: [],
    });
  });

  it("has each of many once, in order, with no more than a page in memory", async () => {
    const person = await Person.signUp();
    await ownerQuery(
      `insert into tasks (user_id, title, description)
       select $1, 'Task ' || n, case when n <= 200 then repeat('é', 9000) else '' end from generate_series(1, 1300) as n`,
      [person.id],
    );
    await ownerQuery(
      "insert into conversations (user_id, id, title) select $1, 'c' || n, 'About ' || n from generate_series(1, 520) as n",
      [person.id],
    );
    await ownerQuery(
      `insert into messages (user_id, conversation_id, id, role, content)
       select $1, 'c' || (1 + n % 7), 'm' || n, 'user', jsonb_build_array(jsonb_build_object('text', 'Said ' || n))
       from generate_series(1, 450) as n`,
      [person.id],
    );
    const largest: number[] = [];
    interceptRequests((fetch) => async (input, init) => {
      const answer = await fetch(input, init);
      largest.push((await answer.clone().arrayBuffer()).byteLength);
      return answer;
    });
    const { tasks, task_changes: logged, conversations, messages } = await readExport(person);

    expect(tasks.map(({ id }) => id)).toEqual(Array.from({ length: 1300 }, (_, index) => index + 1));
    expect(tasks[0]?.description).toBe("é".repeat(9000));
    expect(logged.map(({ task_id: id }) => id)).toEqual(tasks.map(({ id }) => id));
    expect(new Set(conversations.map(({ id }) => id)).size).toBe(520);
    expect(conversations).toHaveLength(520);
    expect(new Set(messages.map(({ id }) => id)).size).toBe(450);
    expect(messages).toHaveLength(450);
    // One conversation after the other, each in its order.
    const said = Map.groupBy(messages, ({ conversation_id }) => conversation_id);
    expect(messages.map(({ id }) => id)).toEqual([...said.values()].flat().map(({ id }) => id));
    for (const list of said.values()) {
      const numbers = list.map(({ id }) => Number(id.slice(1)));
      expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
    }
    expect(Math.max(...largest)).toBeLessThan(1024 * 1024);
  });

  it("breaks off where its credential is cut off meanwhile, and reads no more than is taken", async () => {
    const person = await Person.signUp();
    await ownerQuery(
      "insert into tasks (user_id, title, description) select $1, 'Task ' || n, repeat('x', 10000) from generate_series(1, 1000) as n",
      [person.id],
    );
    const pages = vi.fn();
    interceptRequests((fetch) => (input, init) => {
      if (typeof init?.body === "string" && init.body.includes("bytes_before")) pages();
      return fetch(input, init);
    });
    const response = await person.send("/api/export");
    const reader = response.body?.getReader();
    await reader?.read();
    await ownerQuery("update users set signed_out_at = now() + interval '1 minute' where id = $1", [person.id]);
    const rest = (async () => {
      for (;;) if ((await reader?.read())?.done) return "whole";
    })();

    await expect(rest).rejects.toThrow();
    expect(pages.mock.calls.length).toBeLessThan(15);
  });

  it("is for full access, ten times a minute", async () => {
    const person = await Person.signUp();
    const body = { name: "Reader", scopes: ["tasks:read"], password: PASSWORD };
    const made = await person.send("/api/auth/tokens", { method: "POST", body });
    const { token } = z.object({ token: z.string() }).parse(await made.json());
    const scoped = await send("/api/export", { headers: { Authorization: `Bearer ${token}` } });
    expect(scoped.status).toBe(403);
    await problemOf(scoped);

    await enoughOfMinute();
    const statuses: number[] = [];
    for (let count = 0; count < 11; count += 1) {
      const response = await person.send("/api/export");
      await response.text();
      statuses.push(response.status);
    }
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 200), 429]);
  });
});
