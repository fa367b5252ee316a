import { describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { chat, makeTasks, questionOf } from "../support/chatting.ts";
import { chunksOf } from "../support/event-streams.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf } from "../support/person.ts";
import { calls, Script, says } from "../support/scripted-model.ts";

const pageSchema = z.object({
  id: z.string(),
  title: z.string(),
  messages: z.array(z.looseObject({ id: z.string(), parts: z.array(z.looseObject({ type: z.string() })) })),
  next_cursor: z.string().optional(),
});

/** Someone with a conversation `c` of so many messages, `1` the oldest; answers hold what `event` is in SQL. */
async function withMessages(count: number, event = `'{"type": "text", "id": "0", "text": "…"}'`): Promise<Person> {
  const person = await Person.signUp();
  await ownerQuery("insert into conversations (user_id, id, title) values ($1, 'c', 'Long')", [person.id]);
  await ownerQuery(
    `insert into messages (user_id, conversation_id, id, role, content)
    select $1, 'c', number, case when number % 2 = 1 then 'user' else 'assistant' end, case
      when number % 2 = 1 then '[{"type": "text", "id": "0", "text": "Hi"}]'
      else jsonb_build_array((${event})::jsonb)
    end from generate_series(1, $2::int) as numbers (number) order by number`,
    [person.id, count],
  );
  return person;
}

async function read(person: Person, query = "", id = "c") {
  const response = await person.send(`/api/conversations/${id}${query}`);
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return { ...pageSchema.parse(JSON.parse(text)), size: text.length };
}

const startingAt = (cursor: string | undefined) => `cursor=${encodeURIComponent(cursor ?? "")}`;
const idsOf = ({ messages }: z.output<typeof pageSchema>) => messages.map(({ id }) => Number(id));
const numbers = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe("the messages of a conversation", () => {
  test("of 200 come at once, by one request to the database", async () => {
    const person = await withMessages(200);
    const asked = vi.spyOn(globalThis, "fetch");
    const page = await read(person);
    const requests = asked.mock.calls.filter(([, init]) => String(init?.body).includes("conversations"));
    asked.mockRestore();
    expect(idsOf(page)).toEqual(numbers(1, 200));
    expect(page.next_cursor).toBeUndefined();
    expect(requests).toHaveLength(1);
  });

  test("come page by page, the newest first, each page in their order", async () => {
    const person = await withMessages(205);
    const newest = await read(person);
    expect(idsOf(newest)).toEqual(numbers(6, 205));
    const older = await read(person, `?${startingAt(newest.next_cursor)}`);
    expect(idsOf(older)).toEqual(numbers(1, 5));
    expect(older.next_cursor).toBeUndefined();
    const two = await read(person, "?limit=2");
    expect(idsOf(two)).toEqual([204, 205]);
    expect(idsOf(await read(person, `?limit=3&${startingAt(two.next_cursor)}`))).toEqual([201, 202, 203]);
  });

  test("that are large, as a release before has kept them, come on smaller pages, and in them what was called is cut", async () => {
    const output = `jsonb_build_object('type', 'tool_output', 'call_id', '1', 'text', 'Listed', 'output', jsonb_build_object('tasks',
      (select jsonb_agg(jsonb_build_object('id', task, 'title', md5(random()::text || task || number))) from generate_series(1, 900) as tasks (task))))`;
    const person = await withMessages(60, output);
    const pages = [await read(person)];
    for (let cursor = pages[0]?.next_cursor; cursor !== undefined; cursor = pages.at(-1)?.next_cursor) {
      pages.push(await read(person, `?${startingAt(cursor)}`));
    }
    expect(pages.length).toBeGreaterThan(1);
    expect(pages.toReversed().flatMap(idsOf)).toEqual(numbers(1, 60));
    for (const { size } of pages) expect(size).toBeLessThan(512 * 1024);
  });

  test("come page by page whatever ids their client has given them", async () => {
    const person = await withMessages(4);
    for (const character of ["\u{1F600}", '"', "\\", "語"]) {
      const longest = character.repeat(100);
      await ownerQuery("update messages set id = $2 where user_id = $1 and role = 'user' and id <> '1'", [
        person.id,
        longest,
      ]);
      const newest = await read(person, "?limit=2");
      expect(newest.messages[0]?.id).toBe(longest);
      expect(idsOf(await read(person, `?limit=2&${startingAt(newest.next_cursor)}`))).toEqual([1, 2]);
    }
  });

  test("are refused where the query names no page", async () => {
    const person = await withMessages(1);
    for (const [query, field] of [
      ["?limit=0", "limit"],
      ["?limit=501", "limit"],
      ["?cursor=x", "cursor"],
      ["?colour=red", "colour"],
    ]) {
      const response = await person.send(`/api/conversations/c${query}`);
      expect(response.status, query).toBe(400);
      expect((await problemOf(response)).errors?.[0]?.field).toBe(field);
    }
  });

  test("have cursors that lead nowhere else: in another conversation, for another person, after what is gone", async () => {
    const [person, other] = await Promise.all([withMessages(4), withMessages(4)]);
    const script = await Script.write([says("Hello.")]);
    const { conversation_id } = await chat(person, { message: `Hi ${script.mark}` });
    const { next_cursor } = await read(person, "?limit=2");
    const refused = [
      await person.send(`/api/conversations/${conversation_id}?${startingAt(next_cursor)}`),
      await other.send(`/api/conversations/c?${startingAt(next_cursor)}`),
    ];
    await ownerQuery("delete from messages where user_id = $1 and id = '3'", [person.id]);
    refused.push(await person.send(`/api/conversations/c?${startingAt(next_cursor)}`));
    for (const response of refused) expect((await problemOf(response)).errors).toMatchObject([{ field: "cursor" }]);
  });
});

describe("what a call has answered", () => {
  /** Someone with a hundred tasks, whose list takes more than is kept of it. */
  async function withTasks(): Promise<Person> {
    const person = await Person.signUp();
    await ownerQuery(
      "insert into tasks (user_id, title) select $1, 'Task ' || number || repeat(' more', 10) from generate_series(1, 100) as numbers (number)",
      [person.id],
    );
    return person;
  }
  const listAll = calls(["list_tasks", { limit: 100 }]);
  const keptOf = async (person: Person) => {
    const [row] = await ownerQuery(
      "select content, length(content::text) as size from messages where user_id = $1 and role = 'assistant'",
      [person.id],
    );
    const content = z.array(z.looseObject({ type: z.string() })).parse(row?.content);
    return { size: Number(row?.size), output: content.find(({ type }) => type === "tool_output") };
  };
  const outputSchema = z.object({ tasks: z.array(z.unknown()), cut: z.literal(true).optional() });

  test("is told whole as it happens, and kept as far as later turns and a page need it, which says so", async () => {
    const person = await withTasks();
    const script = await Script.write([listAll, says("A hundred.")]);
    const parts = [{ type: "text", text: `What is there? ${script.mark}` }];
    const body = { id: "c", messages: [{ id: "1", role: "user", parts }] };
    const chunks = await chunksOf(await person.send("/api/chat", { method: "POST", body }));
    const told = chunks.find((chunk) => chunk.type === "tool-output-available");
    expect(outputSchema.parse(told?.output)).toMatchObject({ tasks: { length: 100 } });
    const { size, output } = await keptOf(person);
    expect(size).toBeLessThan(11_000);
    expect(output?.text).toMatch(/^#1 .* … \(cut: no more is kept\)$/s);
    const [, answer] = (await read(person)).messages;
    const shown = outputSchema.parse(answer?.parts.find(({ type }) => type === "tool-list_tasks")?.output);
    expect(shown.cut).toBe(true);
    expect(shown.tasks.length).toBeGreaterThan(10);
    // What later turns are shown of it is what they were shown when all was kept.
    const next = await Script.write([says("Bye.")]);
    await chat(person, { message: `Bye ${next.mark}`, conversation_id: "c" });
    const asked = [script, next].map(async (one) => (await one.record()).requests.at(-1)?.input ?? []);
    const [first, later] = (await Promise.all(asked)).map((input) => input.find((item) => "output" in item));
    const whole = first !== undefined && "output" in first ? first.output : "";
    expect(later).toMatchObject({
      output: `${whole.slice(0, 400)} … (trimmed; call the tool again for what is true now)`,
    });
  });

  test("is kept for the model as long as its message waits for a yes, and goes on with it", async () => {
    const person = await withTasks();
    const [id] = await makeTasks(person, "Eggs");
    const script = await Script.write([listAll, calls(["delete_task", { task_id: id }]), says("Deleted.")]);
    const asked = await chat(person, { message: `Delete eggs ${script.mark}` });
    const { conversation_id } = asked;
    await chat(person, { conversation_id, approval: { id: questionOf(asked).id, approved: true } });
    const outputs = (await script.record()).requests.map(({ input }) => input.find((item) => "output" in item));
    expect(outputs[2]).toEqual(outputs[1]);
    expect((await keptOf(person)).size).toBeLessThan(12_000);
  });
});
