import { beforeAll, describe, expect, it } from "vitest";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf } from "../support/person.ts";

let person: Person;

beforeAll(async () => {
  person = await Person.signUp();
});

const REPLAYED = { replayed: true, note: expect.stringContaining("nothing was done now") };

const newKey = () => crypto.randomUUID();
const titles = async () =>
  (await ownerQuery("select title from tasks where user_id = $1 and deleted_at is null order by id", [person.id])).map(
    ({ title }) => title,
  );

/** A tool that writes, and what to call it with for a task. */
const writes: readonly (readonly [string, (id: number) => Record<string, unknown>])[] = [
  ["create_task", () => ({ title: "Made once" })],
  ["update_task", (id) => ({ task_id: id, title: "Changed once", expected_version: 1 })],
  ["complete_task", (id) => ({ task_id: id })],
  ["delete_task", (id) => ({ task_id: id })],
];

describe.each(writes)("%s", (tool, inputFor) => {
  it("is carried out once for one key, and a repeat answers the same and says so", async () => {
    const { id } = await person.runForTask("create_task", { title: "To be worked on" });
    const input = { ...inputFor(id), idempotency_key: newKey() };
    const { replayed, ...first } = await person.run(tool, input);
    const rows = await ownerQuery("select * from tasks where user_id = $1 order by id", [person.id]);
    const repeat = await person.run(tool, input);

    expect(replayed).toBeUndefined();
    expect(repeat).toEqual({ ...first, ...REPLAYED });
    expect(await ownerQuery("select * from tasks where user_id = $1 order by id", [person.id])).toEqual(rows);
  });

  it("takes the key of the Idempotency-Key header, in quotes or without", async () => {
    const { id } = await person.runForTask("create_task", { title: "To be worked on" });
    const key = newKey();
    const first = await person.call(tool, inputFor(id), { "Idempotency-Key": `"${key}"` });
    const repeat = await person.call(tool, inputFor(id), { "Idempotency-Key": key });

    expect(await repeat.json()).toEqual({ ...(await first.json<object>()), ...REPLAYED });
  });
});

describe("a key that was used before", () => {
  it("is refused for another input, with what the first call did, and changes nothing", async () => {
    const idempotency_key = newKey();
    const { id } = await person.runForTask("create_task", { title: "The first", idempotency_key });
    const before = await titles();
    const response = await person.call("create_task", { title: "Another", idempotency_key });

    expect(response.status).toBe(409);
    const { detail, errors } = await problemOf(response);
    expect(detail).toContain(`#${id}`);
    expect(detail).toContain("The first");
    expect(errors).toMatchObject([{ field: "idempotency_key" }]);
    expect(await titles()).toEqual(before);
  });

  it("is refused for another tool", async () => {
    const idempotency_key = newKey();
    const { id } = await person.runForTask("create_task", { title: "Keep me", idempotency_key });

    expect((await person.call("delete_task", { task_id: id, idempotency_key })).status).toBe(409);
    expect(await titles()).toContain("Keep me");
  });

  it("answers what the first call did, whatever has become of the task since", async () => {
    const input = { title: "Completed since", idempotency_key: newKey() };
    const { id } = await person.runForTask("create_task", input);
    await person.run("complete_task", { task_id: id });

    expect((await person.run("create_task", input)).tasks).toMatchObject([{ id, status: "pending", version: 1 }]);
  });

  it("answers its tasks in the order of their ids, in whatever order the database has noted them", async () => {
    const ids = [];
    for (const title of ["First", "Second", "Third"]) ids.push((await person.runForTask("create_task", { title })).id);
    const input = { task_ids: ids, priority: "high", idempotency_key: newKey() };
    const { tasks: changed } = await person.run("update_task", input);
    await ownerQuery(
      `update idempotency_keys set outcome = (
        select jsonb_agg(each order by place desc) from jsonb_array_elements(outcome) with ordinality as noted (each, place)
      ) where key = $1`,
      [`caller:${input.idempotency_key}`],
    );

    expect(changed.map(({ id }) => id)).toEqual(ids);
    expect((await person.run("update_task", input)).tasks).toEqual(changed);
  });

  it("counts again after 24 hours", async () => {
    const input = { title: "Every day", idempotency_key: newKey() };
    const first = await person.runForTask("create_task", input);
    await ownerQuery("update idempotency_keys set created_at = now() - interval '24 hours' where key = $1", [
      `caller:${input.idempotency_key}`,
    ]);
    const second = await person.runForTask("create_task", input);

    expect(second.id).toBeGreaterThan(first.id);
    expect((await person.run("create_task", input)).replayed).toBe(true);
  });

  it("by a call that was refused or changed nothing is free", async () => {
    const { id } = await person.runForTask("create_task", { title: "Version 1" });
    const idempotency_key = newKey();
    const refused = await person.call("update_task", {
      task_id: id,
      title: "No",
      expected_version: 7,
      idempotency_key,
    });
    expect(refused.status).toBe(409);

    expect((await person.run("update_task", { task_id: id, title: "Yes", idempotency_key })).replayed).toBeUndefined();
  });
});

it("refuses two different keys for one call", async () => {
  const headers = { "Idempotency-Key": newKey() };
  const response = await person.call("create_task", { title: "Two keys", idempotency_key: newKey() }, headers);

  expect(response.status).toBe(400);
  expect((await problemOf(response)).errors).toMatchObject([{ field: "idempotency_key" }]);
});

/** 10,000 characters that do not compress to less than their 30 KB. */
function longText(): string {
  return Array.from({ length: 10_000 }, () => String.fromCodePoint(0x4e00 + Math.floor(Math.random() * 20_000))).join(
    "",
  );
}

describe("what a call has come to", () => {
  const age = (who: Person, like: string, interval: string) =>
    ownerQuery("update idempotency_keys set created_at = now() - $3::interval where user_id = $1 and key like $2", [
      who.id,
      like,
      interval,
    ]);
  const keysOf = async (who: Person) =>
    (await ownerQuery("select tool from idempotency_keys where user_id = $1 order by tool", [who.id])).map(
      ({ tool }) => tool,
    );
  /** Each write deletes some of what has expired, that of other tests as well. */
  const writeUntil = async (condition: () => Promise<boolean>) => {
    for (let count = 0; count < 20 && !(await condition()); count += 1) {
      await person.run("create_task", { title: "Somebody else's" });
    }
  };

  it.each([
    ["24 hours with its caller's key", { idempotency_key: newKey() }, "caller:%", "23 hours 59 minutes", "24 hours"],
    ["10 minutes with the server's own", {}, "server:%", "9 minutes", "10 minutes"],
  ])("is kept %s, and goes with the next writes of anybody", async (_, key, like, before, after) => {
    const author = await Person.signUp();
    const { id } = await author.runForTask("create_task", { title: "Gone for good", description: longText() });
    await ownerQuery("delete from idempotency_keys where user_id = $1", [author.id]);
    await author.run("delete_task", { task_id: id, ...key });
    const isGone = async () => (await keysOf(author)).length === 0;
    await age(author, like, before);
    for (let count = 0; count < 3; count += 1) await person.run("create_task", { title: "Somebody else's" });
    expect(await keysOf(author)).toEqual(["delete_task"]);

    await age(author, like, after);
    await writeUntil(isGone);
    expect(await keysOf(author)).toEqual([]);
  });

  it("is kept whole for a person's newest 4 MB; a repeat of a call before those says what it did and where to look", async () => {
    const author = await Person.signUp();
    const description = longText();
    const old = { title: "旧".repeat(200), description, tags: ["旧".repeat(50)], idempotency_key: newKey() };
    const { id } = await author.runForTask("create_task", old);
    await age(author, "caller:%", "1 hour");
    // 200 calls since, and 48 changes more.
    await ownerQuery(
      `insert into idempotency_keys (user_id, key, tool, input_hash, change, outcome, created_at)
       select user_id, key || n, tool, input_hash, change, outcome, created_at + n * interval '1 second'
       from idempotency_keys, generate_series(1, 200) as n where user_id = $1`,
      [author.id],
    );
    await ownerQuery("update users set last_change = 49 where id = $1", [author.id]);
    const recent = { title: "Recent", description, idempotency_key: newKey() };
    const { replayed: _, ...first } = await author.run("create_task", recent);
    const repeat = await author.call("create_task", old);
    const [kept] = await ownerQuery(
      `select sum(pg_column_size(outcome))::int as bytes,
         (count(*) filter (where pg_column_size(outcome) > 1000))::int as whole
       from idempotency_keys where user_id = $1`,
      [author.id],
    );

    expect(repeat.status).toBe(200);
    expect(await repeat.json()).toEqual({
      tasks: [],
      replayed: true,
      change: 1,
      note: expect.stringMatching(
        new RegExp(`nothing was done now.* Created #${id} "旧{80}".*version 1\\. .*get_task`),
      ),
    });
    expect(await author.run("create_task", recent)).toEqual({ ...first, ...REPLAYED });
    expect(kept?.whole).toBeGreaterThan(100);
    expect(kept?.bytes).toBeLessThan(4_200_000);
    expect((await author.call("create_task", { ...old, title: "Another" })).status).toBe(409);
    expect((await author.runForTask("get_task", { task_id: id })).description).toBe(description);
  });
});

describe("the release before", () => {
  // As it creates a task, with a credential that counts.
  const createAsBefore = (key: string) =>
    ownerQuery(
      `insert into tasks (user_id, title, idempotency_key) values ($1, 'Of the release before', $2)
       on conflict (user_id, idempotency_key) where idempotency_key is not null
       do update set idempotency_key = excluded.idempotency_key
       returning id, title`,
      [person.id, key],
    );

  it("made a task with a key: a repeat finds it", async () => {
    const idempotency_key = newKey();
    const [made] = await createAsBefore(idempotency_key);
    const repeat = await person.run("create_task", { title: "Of the release before", idempotency_key });

    expect(repeat).toMatchObject({ tasks: [{ id: made?.id }], replayed: true });
  });

  it("repeats a call of this one: it finds the task", async () => {
    const idempotency_key = newKey();
    const { id } = await person.runForTask("create_task", { title: "Of this release", idempotency_key });

    expect(await createAsBefore(idempotency_key)).toEqual([{ id, title: "Of this release" }]);
  });
});
