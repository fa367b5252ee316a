import { env } from "cloudflare:workers";
import { neon } from "@neondatabase/serverless";
import { eq, sql } from "drizzle-orm";
import { getTableConfig } from "drizzle-orm/pg-core";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { verifyToken } from "../../src/auth/token.ts";
import type { Caller } from "../../src/caller.ts";
import { readConfiguration } from "../../src/config.ts";
import * as chatSchema from "../../src/database/chat-schema.ts";
import { openDatabase } from "../../src/database/database.ts";
import * as schema from "../../src/database/schema.ts";
import { defineStatement, type Value } from "../../src/database/statement.ts";
import type { UserDatabase } from "../../src/database/user-database.ts";
import { completeTask, deleteTask, updateTask } from "../../src/tasks/change-tasks.ts";
import { tasks } from "../../src/tasks/task-rows.ts";
import { catalog } from "../../src/tools/catalog.ts";
import { ownerQuery } from "../support/owner.ts";
import { ORIGIN, Person } from "../support/person.ts";

const configuration = readConfiguration(env);
const database = openDatabase(
  configuration.DATABASE_URL,
  configuration.NEON_FETCH_ENDPOINT,
  configuration.DATABASE_TIMEOUT,
);

let owner: Person;
let stranger: Person;
let strangersToken: Caller;
let strangers: UserDatabase;
let taskId: number;

beforeAll(async () => {
  owner = await Person.signUp();
  stranger = await Person.signUp();
  ({ id: taskId } = await owner.runForTask("create_task", { title: "Mine" }));
  const verified = await verifyToken(stranger.session.token, { secret: configuration.JWT_SECRET, issuer: ORIGIN });
  if (verified === undefined) throw new Error("the token must hold");
  strangersToken = verified;
  strangers = database.as(strangersToken, { via: "http", requestId: "test" });
});

afterEach(() => vi.restoreAllMocks());

describe("a query that forgets to name its user", () => {
  it("sees none of another user's rows", async () => {
    const { results } = await strangers.read((query) => [query.select().from(tasks)]);

    expect(results).toEqual([[]]);
  });

  it("changes and deletes none of them", async () => {
    const { results } = await strangers.write("test", (query) => [
      query.update(tasks).set({ title: "Taken" }).returning({ id: tasks.id }),
      query.delete(tasks).returning({ id: tasks.id }),
    ]);

    expect(results?.slice(0, 2)).toEqual([[], []]);
    expect(await ownerQuery("select title from tasks where id = $1 and user_id = $2", [taskId, owner.id])).toEqual([
      { title: "Mine" },
    ]);
  });

  it("cannot make a row for another user, and nothing else of its batch stays", async () => {
    const attempt = strangers.write("test", (query) => [
      query.insert(tasks).values({ userId: stranger.id, title: "With it" }),
      query.insert(tasks).values({ userId: owner.id, title: "Planted" }),
    ]);

    await expect(attempt).rejects.toMatchObject({ kind: "internal" });
    expect(await ownerQuery("select title from tasks where user_id = any($1)", [[owner.id, stranger.id]])).toEqual([
      { title: "Mine" },
    ]);
  });
});

describe("every tool", () => {
  const inputs: Record<string, (id: number) => Record<string, unknown>> = {
    create_task: () => ({ title: "One request" }),
    list_tasks: () => ({ status: "all", search: "e", order: "priority" }),
    get_task: (id) => ({ task_id: id }),
    update_task: (id) => ({ task_id: id, title: "Changed", expected_version: 1 }),
    complete_task: (id) => ({ task_id: id }),
    delete_task: (id) => ({ task_id: id }),
  };

  it.each(catalog.map((tool) => tool.name))("%s makes one HTTP request to the database", async (name) => {
    const { id } = await owner.runForTask("create_task", { title: "To be worked on" });
    const fetched = vi.spyOn(globalThis, "fetch");
    await owner.run(name, inputs[name]?.(id));

    const requests = fetched.mock.calls.map(([input]) => String(input));
    expect(requests).toEqual([configuration.NEON_FETCH_ENDPOINT]);
  });
});

// But for what functions alone may read.
describe("the schema that queries are built from", () => {
  it.each(
    Object.values({ ...schema, ...chatSchema, tasks }).map((table) => {
      const { name, columns } = getTableConfig(table);
      return { name, columns };
    }),
  )("has of $name what the database has", async ({ name, columns }) => {
    const inDatabase = await ownerQuery(
      `select column_name as name, is_nullable = 'NO' as "notNull", format_type(atttypid, atttypmod) as type
       from information_schema.columns
       join pg_attribute on attrelid = $1::text::regclass and attname = column_name
       where table_name = $1::text
         and (table_name, column_name) not in (('users', 'password_hash'), ('oauth_grants', 'record'))
       order by column_name`,
      [name],
    );
    const inSchema = columns
      .map((column) => ({
        name: column.name,
        notNull: column.notNull,
        type: column.getSQLType().replace(/^timestamp \((\d)\)/, "timestamp($1)"),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));

    expect(inSchema).toEqual(inDatabase);
  });
});

it("runs a statement that was declared once with the values of each use, over any connection", async () => {
  const titled = defineStatement((query, value: Value<"title">) =>
    query
      .select({ title: tasks.title, createdAt: tasks.createdAt })
      .from(tasks)
      .where(eq(tasks.title, value("title"))),
  );
  const repeated = defineStatement((query, value: Value<"text" | "times">) =>
    query.execute(sql`select repeat(${value("text")}, ${value("times")}) as text`),
  );
  await strangers.write("test", (query) => [
    query.insert(tasks).values(["First", "Second"].map((title) => ({ userId: stranger.id, title }))),
  ]);
  const { results } = await strangers.read(() => [
    titled({ title: "First" }),
    titled({ title: "Second" }),
    repeated({ text: "ab", times: 1 }),
    repeated({ text: "ab", times: 2 }),
  ]);
  const [first, second, once, twice] = results;
  const other = openDatabase(
    configuration.DATABASE_URL,
    configuration.NEON_FETCH_ENDPOINT,
    configuration.DATABASE_TIMEOUT,
  );
  const { results: later } = await other
    .as(strangersToken, { via: "http", requestId: "test" })
    .read(() => [titled({ title: "First" })]);

  expect([first, second]).toEqual(["First", "Second"].map((title) => [{ title, createdAt: expect.any(Date) }]));
  expect([once.rows, twice.rows]).toEqual([[{ text: "ab" }], [{ text: "abab" }]]);
  expect(later).toEqual([first]);
});

it("tells who observes it what statements and other queries do to which table, without their values", async () => {
  const told: string[] = [];
  const observed = database
    .observedBy(({ operations }) => told.push(operations()))
    .as(strangersToken, { via: "http", requestId: "test" });
  const call = { tool: "test", key: undefined, inputHash: "" };
  const { id } = await stranger.runForTask("create_task", { title: "Observed" });
  await updateTask(observed, call, id, { title: "Changed" }, undefined);
  await completeTask(observed, call, id);
  await deleteTask(observed, call, id);

  expect(told).toEqual(Array(3).fill("update tasks, select tasks"));
});

it("reads a caller's moments in UTC, whatever time zone the session has", async () => {
  const sql = neon(configuration.DATABASE_URL);
  const { userId, credential } = strangersToken;
  const call = {
    user_id: userId,
    credential: { kind: credential.kind, id: credential.id, issued_at: credential.issuedAt },
  };
  const [, , moments] = await sql.transaction([
    sql`set local timezone = 'Africa/Monrovia'`,
    sql`select set_caller(${JSON.stringify(call)}::jsonb)`,
    sql`select '1905-01-01T00:00:00Z'::timestamptz::text as moment`,
  ]);

  expect(moments).toEqual([{ moment: "1905-01-01 00:00:00+00" }]);
});

it("refuses in the database, too, what the worker would never send", async () => {
  const insert = (column: string, value: string) =>
    ownerQuery(`insert into tasks (user_id, title, ${column}) values ($1, 'x', ${value})`, [owner.id]);

  await expect(insert("description", "repeat('x', 10001)")).rejects.toThrow("tasks_description_length");
  await expect(insert("status", "'open'")).rejects.toThrow("tasks_status");
  await expect(insert("priority", "'p1'")).rejects.toThrow("tasks_priority");
  await expect(insert("tags", "array['']")).rejects.toThrow("tasks_tags");
  await expect(insert("tags", "array_fill('x'::text, array[21])")).rejects.toThrow("tasks_tags");
  await expect(insert("due_date, due_at", "current_date, now()")).rejects.toThrow("tasks_due_date_or_due_at");
  await expect(insert("completed_at", "now()")).rejects.toThrow("tasks_completed_at");
  await expect(
    ownerQuery("insert into tasks (user_id, title) values ($1, repeat('🥛', 201))", [owner.id]),
  ).rejects.toThrow("tasks_title_length");
  await expect(ownerQuery("insert into tasks (user_id, title) values ($1, ' x')", [owner.id])).rejects.toThrow(
    "tasks_title_trimmed",
  );
});
