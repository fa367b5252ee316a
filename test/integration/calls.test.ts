import { env } from "cloudflare:workers";
import { neon } from "@neondatabase/serverless";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { verifyToken } from "../../src/auth/token.ts";
import type { Caller } from "../../src/caller.ts";
import { readConfiguration } from "../../src/config.ts";
import { openDatabase } from "../../src/database/database.ts";
import { createLogger } from "../../src/observability/log.ts";
import { metrics } from "../../src/observability/metrics.ts";
import { createTask } from "../../src/tasks/change-tasks.ts";
import { readNamedTasks, runTool } from "../../src/tools/run-tool.ts";
import { ownerQuery } from "../support/owner.ts";
import { ORIGIN, Person } from "../support/person.ts";

const configuration = readConfiguration(env);
const database = openDatabase(
  configuration.DATABASE_URL,
  configuration.NEON_FETCH_ENDPOINT,
  configuration.DATABASE_TIMEOUT,
);
const sql = neon(configuration.DATABASE_URL);
const origin = { via: "http", requestId: "test" } as const;

let person: Person;
let caller: Caller;

beforeAll(async () => {
  person = await Person.signUp();
  const verified = await verifyToken(person.session.token, { secret: configuration.JWT_SECRET, issuer: ORIGIN });
  if (verified === undefined) throw new Error("the token must hold");
  caller = verified;
});

afterEach(() => vi.restoreAllMocks());

/** What `set_caller` is told, until this many milliseconds from now. */
function record(milliseconds: number, write?: { readonly key: string }): string {
  const { kind, id, issuedAt } = caller.credential;
  return JSON.stringify({
    user_id: caller.userId,
    credential: { kind, id, issued_at: issuedAt },
    deadline: new Date(Date.now() + milliseconds),
    write: write && { ...write, tool: "test", is_kept: true },
    "of a later release": { what: "this one does not know" },
  });
}

/** What the gate runs a tool with for a caller. */
const contextOf = (own: Caller) => ({
  caller: own,
  database: database.as(own, origin),
  log: createLogger("error"),
  cursorSettings: configuration,
});

const insert = (title: string) => sql`insert into tasks (user_id, title) values (${caller.userId}, ${title})`;
const titles = async () =>
  (await ownerQuery("select title from tasks where user_id = $1", [person.id])).map(({ title }) => title);

describe("a call whose time is over", () => {
  it("does nothing", async () => {
    const call = sql.transaction([
      sql`select set_caller(${record(-1, { key: "server:late" })}::jsonb)`,
      insert("Late"),
    ]);

    await expect(call).rejects.toMatchObject({ code: "TS001" });
    expect(await titles()).not.toContain("Late");
  });

  it("while it runs is undone", async () => {
    const call = sql.transaction([
      sql`select set_caller(${record(700, { key: "server:slow" })}::jsonb)`,
      insert("Slow"),
      sql`select pg_sleep(0.4)`,
      sql`select pg_sleep(0.4)`,
      sql`select end_call()`,
    ]);

    await expect(call).rejects.toMatchObject({ code: "TS001" });
    expect(await titles()).not.toContain("Slow");
  });

  it("because a clock was set puts the worker's idea of the database's time right", async () => {
    const { DATABASE_URL, NEON_FETCH_ENDPOINT, DATABASE_TIMEOUT } = configuration;
    const behind = openDatabase(DATABASE_URL, NEON_FETCH_ENDPOINT, DATABASE_TIMEOUT).as(caller, origin);
    const now = performance.now.bind(performance);
    vi.spyOn(performance, "now").mockImplementation(() => now() - 60 * 60 * 1000);

    await expect(behind.checkCredential("now")).rejects.toMatchObject({ kind: "unavailable" });
    await expect(behind.checkCredential("now")).resolves.toBeUndefined();
  });

  it("and that was carried out is told so, and not that nothing was done", async () => {
    const key = { key: "server:done" };
    await sql.transaction([
      sql`select set_caller(${record(5_000, key)}::jsonb)`,
      insert("Done"),
      sql`select end_call()`,
    ]);

    await expect(sql.transaction([sql`select set_caller(${record(-1, key)}::jsonb)`])).rejects.toMatchObject({
      code: "TS002",
    });
  });
});

describe("a call that writes", () => {
  it("takes the user's next number where it changes a task, and none where it does not", async () => {
    const lastChange = async () => {
      const [row] = await ownerQuery("select last_change::int from users where id = $1", [person.id]);
      return Number(row?.last_change);
    };
    const own = database.as(caller, origin);
    const before = await lastChange();
    const call = { tool: "create_task", key: undefined, inputHash: "" };
    const { change } = await createTask(own, call, { title: "Numbered" });
    await own.write("nothing", (query) => [query.execute("select 1")]);
    const next = await createTask(own, call, { title: "Numbered too" });

    expect([change, next.change]).toEqual([before + 1, before + 2]);
    expect(await lastChange()).toBe(before + 2);
  });
});

it("numbers the tasks of each user from 1", async () => {
  const other = await Person.signUp();
  const [first, second] = [
    await other.runForTask("create_task", { title: "First" }),
    await other.runForTask("create_task", { title: "Second" }),
  ];

  expect([first.id, second.id]).toEqual([1, 2]);
});

describe("a caller who may only read", () => {
  const read = () => ({ ...caller, access: new Set(["tasks:read"] as const) });
  const run = (own: Caller, tool: string, input: unknown) => runTool(tool, input, contextOf(own));

  it("reads", async () => {
    await expect(run(read(), "list_tasks", {})).resolves.toMatchObject({ structured: { tasks: expect.any(Array) } });
  });

  it.each(["create_task", "update_task", "complete_task", "delete_task"])(
    "is refused %s, whatever its input",
    async (tool) => {
      await expect(run(read(), tool, { nonsense: true })).rejects.toMatchObject({
        kind: "forbidden",
        message: `${tool} needs the scope tasks:write, which is not granted here.`,
      });
    },
  );

  it("with no scope at all reads nothing either", async () => {
    await expect(run({ ...caller, access: new Set() }, "list_tasks", {})).rejects.toMatchObject({ kind: "forbidden" });
  });
});

describe("a call that a person must confirm", () => {
  const remove = async (isConfirmed: boolean | undefined) => {
    const { id } = await person.runForTask("create_task", { title: "Tax papers" });
    const own = contextOf(caller);
    const result = runTool("delete_task", { task_id: id }, { ...own, isConfirmed });
    await result.catch(() => undefined);
    return {
      result,
      left: await ownerQuery("select title from tasks where user_id = $1 and id = $2 and deleted_at is null", [
        person.id,
        id,
      ]),
    };
  };

  it("is refused by the gate where it was asked about and not confirmed", async () => {
    const { result, left } = await remove(false);
    await expect(result).rejects.toMatchObject({
      kind: "forbidden",
      message: "delete_task needs the person's approval first.",
    });
    expect(left).toEqual([{ title: "Tax papers" }]);
  });

  it.each([true, undefined])("runs where isConfirmed is %s", async (isConfirmed) => {
    expect((await remove(isConfirmed)).left).toEqual([]);
  });

  it("is asked about by the names of its tasks, which counts as no call of a tool", async () => {
    const { id } = await person.runForTask("create_task", { title: "Tax papers" });
    const own = contextOf(caller);
    const count = vi.spyOn(metrics, "count");
    expect(await readNamedTasks({ taskIds: [id] }, own)).toMatchObject([{ id, title: "Tax papers" }]);
    expect(count.mock.calls.filter(([name]) => name === "tool_executions_total")).toEqual([]);
    const blind = { ...own, caller: { ...caller, access: new Set<never>() } };
    await expect(readNamedTasks({ taskIds: [id] }, blind)).rejects.toMatchObject({ kind: "forbidden" });
  });
});
