import { beforeAll, describe, expect, it } from "vitest";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf } from "../support/person.ts";

const ZONE = "America/New_York";
let person: Person;
let today: string;

const dayFrom = (days: number) => new Date(Date.parse(today) + days * 86_400_000).toISOString().slice(0, 10);

/** What the text of an answer says, as an MCP client gets it. */
async function textOf(input: Record<string, unknown>, whose = person): Promise<string> {
  const response = await whose.send("/mcp", {
    method: "POST",
    body: {
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: {
        name: "list_tasks",
        arguments: input,
        _meta: {
          "io.modelcontextprotocol/protocolVersion": "2026-07-28",
          "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
          "io.modelcontextprotocol/clientCapabilities": {},
        },
      },
    },
    headers: {
      Accept: "application/json, text/event-stream",
      "MCP-Protocol-Version": "2026-07-28",
      "Mcp-Method": "tools/call",
      "Mcp-Name": "list_tasks",
    },
  });
  const answer: { result?: { content: { text: string }[] } } = await response.json();
  return answer.result?.content.map(({ text }) => text).join("\n") ?? JSON.stringify(answer);
}

beforeAll(async () => {
  person = await Person.signUp({ time_zone: ZONE });
  const { now = "" } = await person.run("list_tasks");
  today = now.slice(0, 10);
  const tasks = [
    { title: "Pay rent", due: dayFrom(-2), tags: ["Home", "bills"] },
    { title: "Call the bank", due: dayFrom(0), tags: ["bills"] },
    { title: "Water the plants", due: dayFrom(1), tags: ["home"], status: "in_progress" },
    { title: "Late at night", due: `${dayFrom(1)}T23:30:00`, tags: ["bills"] },
    { title: "Read a book" },
    { title: "Done", status: "completed", tags: ["old"] },
    { title: "Given up", status: "cancelled" },
  ];
  for (const task of tasks) await person.run("create_task", task);
});

describe("a total", () => {
  it("counts all that fits beside a page, and the tags of it, whatever their case", async () => {
    const { tasks, total, tags } = await person.run("list_tasks", { total: true, limit: 2 });
    expect([tasks.length, total]).toEqual([2, "5"]);
    expect(tags?.map(({ name, count }) => [name.toLowerCase(), count])).toEqual([
      ["bills", "3"],
      ["home", "2"],
    ]);
    expect(await person.run("list_tasks", { total: true, due: "no_date" })).toMatchObject({ total: "1", tags: [] });
    expect(await person.run("list_tasks", {})).not.toHaveProperty("total");
  });

  it("goes with any page, whose cursor it does not change", async () => {
    const { next_cursor: cursor } = await person.run("list_tasks", { limit: 2 });
    expect(await person.run("list_tasks", { limit: 2, cursor, total: true })).toMatchObject({ total: "5" });
  });

  it("is in the text too", async () => {
    expect(await textOf({ total: true, limit: 1 })).toMatch(/\nTotal 5\.\nTags: "bills" 3, "[Hh]ome" 2\n/);
  });

  it("stops at 1,000 of a status", async () => {
    const busy = await Person.signUp();
    await ownerQuery(
      `insert into tasks (user_id, title, tags, status, completed_at)
       select $1, 'One of many', array['tag ' || n % 2], status, case status when 'completed' then now() end
       from generate_series(1, 1001) as n, unnest(array['pending', 'completed']) as status where status = 'pending' or n <= 7`,
      [busy.id],
    );
    expect(await busy.run("list_tasks", { total: true, limit: 1 })).toMatchObject({
      total: "1,000+",
      tags: [{ count: expect.stringMatching(/^50\d\+$/) }, { count: expect.stringMatching(/^50\d\+$/) }],
    });
    expect((await busy.run("list_tasks", { group_by: "status" })).groups).toEqual([
      { name: "pending", count: "1,000+" },
      { name: "completed", count: "7" },
    ]);
  });
});

describe("groups", () => {
  it.each([
    [
      "status",
      {},
      [
        ["pending", "4"],
        ["cancelled", "1"],
        ["completed", "1"],
        ["in_progress", "1"],
      ],
    ],
    [
      "status",
      { tags: ["home"] },
      [
        ["in_progress", "1"],
        ["pending", "1"],
      ],
    ],
    ["tag", { status: "completed" }, [["old", "1"]]],
  ] as const)("by %s of %j are counted, and no task is listed", async (group_by, filter, groups) => {
    const answer = await person.run("list_tasks", { group_by, ...filter });
    expect(answer.groups?.map(({ name, count }) => [name, count])).toEqual(groups);
    expect(answer.tasks).toEqual([]);
  });

  it("by day are in their order, by the person's clock", async () => {
    const { groups } = await person.run("list_tasks", { group_by: "day" });
    expect(groups).toEqual([
      { name: dayFrom(-2), count: "1" },
      { name: dayFrom(0), count: "1" },
      { name: dayFrom(1), count: "2" },
      { name: "no_date", count: "1" },
    ]);
    const week = await person.run("list_tasks", { group_by: "day", due: "tomorrow" });
    expect(week).toMatchObject({ total: "2", groups: [{ name: dayFrom(1), count: "2" }] });
  });

  it("by day of what was completed are of that day", async () => {
    const { groups } = await person.run("list_tasks", { group_by: "day", completed_from: dayFrom(-1) });
    expect(groups).toEqual([{ name: today, count: "1" }]);
  });

  it("are in the text with the day of the week", async () => {
    const weekday = new Date(dayFrom(1)).toLocaleDateString("en", { weekday: "long", timeZone: "UTC" });
    expect(await textOf({ group_by: "day" })).toContain(`\n${weekday} ${dayFrom(1)}: 2\nno_date: 1\nTotal 5.`);
  });

  it("say how many there are beside the first hundred", async () => {
    const busy = await Person.signUp();
    await ownerQuery(
      `insert into tasks (user_id, title, due_date, tags)
       select $1, 'One of many', '2026-01-01'::date + n, array['tag ' || n] from generate_series(1, 123) as n`,
      [busy.id],
    );
    for (const group_by of ["day", "tag"]) {
      const { groups, more_groups: more } = await busy.run("list_tasks", { group_by });
      expect([groups?.length, more]).toEqual([100, "23"]);
    }
    expect(await textOf({ group_by: "day" }, busy)).toContain("\nSaturday 2026-04-11: 1\nand 23 more\nTotal 123.");
    expect(await busy.run("list_tasks", { total: true })).toMatchObject({ total: "123", more_groups: "23" });
    expect(await textOf({ total: true, limit: 1 }, busy)).toMatch(/\nTags: .* 1, and 23 more\n/);
    expect(await busy.run("list_tasks", { group_by: "status" })).not.toHaveProperty("more_groups");
  });

  it("have no cursor", async () => {
    const response = await person.call("list_tasks", { group_by: "tag", cursor: "x" });
    expect((await problemOf(response)).errors).toEqual([
      { field: "cursor", message: "must be left out beside group_by, which lists no tasks" },
    ]);
  });
});

describe("a digest", () => {
  it("says where things stand, and who is at what", async () => {
    const agent = await Person.signUp({ time_zone: ZONE });
    for (const task of [
      { title: "Pay rent", due: dayFrom(-2) },
      { title: "Call the bank", due: dayFrom(0) },
      { title: "Water the plants", status: "in_progress" },
      { title: "Write the report" },
      { title: "Read a book" },
      { title: "Put off", scheduled: dayFrom(3) },
      { title: "Done", status: "completed" },
      { title: "Given up", status: "cancelled" },
      { title: "Send the report", blocked_by: [4] },
    ]) {
      await agent.run("create_task", task);
    }
    await agent.run("update_task", { task_id: 4, claim_minutes: 30 });
    const { digest, tasks, change, now } = await agent.run("list_tasks", { digest: true });
    expect(digest).toEqual([
      { part: "overdue", count: "1", tasks: [`#1 "Pay rent" due ${dayFrom(-2)}`] },
      { part: "today", count: "1", tasks: [`#2 "Call the bank" due ${dayFrom(0)}`] },
      {
        part: "in_progress",
        count: "2",
        tasks: [expect.stringMatching(/^#4 "Write the report" by "/), '#3 "Water the plants"'],
      },
      { part: "ready", count: "3", tasks: ['#5 "Read a book"'] },
      { part: "blocked", count: "1", tasks: ['#9 "Send the report" by #4'] },
      { part: "finished", count: "1", tasks: [expect.stringMatching(/^#7 "Done" \d{4}-.*-0[45]:00$/)] },
    ]);
    expect([tasks, change, now]).toEqual([[], 10, expect.any(String)]);
  });

  it("tells who holds a task from what it waits for", async () => {
    const agent = await Person.signUp();
    await agent.run("create_task", { tasks: [{ title: "Write the report" }, { title: "Send it" }] });
    await agent.run("update_task", { task_id: 2, blocked_by: [1], claim_minutes: 30 });
    const { digest = [] } = await agent.run("list_tasks", { digest: true });
    expect(digest.find(({ part }) => part === "blocked")?.tasks).toEqual([
      expect.stringMatching(/^#2 "Send it" by #1, claimed by "/),
    ]);
  });

  it("is in the text too", async () => {
    const text = await textOf({ digest: true });
    expect(text).toContain(`Overdue: 1\n- #1 "Pay rent" due ${dayFrom(-2)}\nDue today: 1\n- #2 "Call the bank" due`);
    expect(text).toMatch(/\nIt is \w+day, .* in America\/New_York\. Change 7\.$/);
    const nobody = await Person.signUp();
    expect((await nobody.run("list_tasks", { digest: true })).digest).toEqual([]);
  });

  it.each([
    ["status", "ready"],
    ["search", "milk"],
    ["group_by", "tag"],
    ["status", "all"],
    ["order", "priority"],
    ["limit", 5],
  ])("is of all tasks: not beside %s %s", async (field, value) => {
    const response = await person.call("list_tasks", { digest: true, [field]: value });
    expect((await problemOf(response)).errors).toEqual([
      { field, message: "must be left out beside digest, which tells where all tasks stand" },
    ]);
  });
});

it("a digest takes what models fill in and changes nothing", async () => {
  const asked = { digest: true, status: "open", order: "due", limit: 20, priority: "none", total: false, search: "" };
  expect((await (await Person.signUp()).run("list_tasks", asked)).digest).toEqual([]);
});

it("a page may be empty and have a cursor: its text says that there may be more", async () => {
  const busy = await Person.signUp();
  await ownerQuery(
    `insert into tasks (user_id, title, tags)
     select $1, 'One of many', array[case when n % 2 = 0 then 'home' else 'work' end] from generate_series(1, 1400) as n`,
    [busy.id],
  );
  const asked = { tags: ["home"], any_tags: ["work"] };
  const { tasks, next_cursor: cursor } = await busy.run("list_tasks", asked);
  expect(tasks).toEqual([]);
  expect(await textOf(asked, busy)).toContain("None of the tasks looked at so far fit.\nThere may be more: cursor ");
  let next = cursor;
  for (let pages = 1; next !== undefined && pages < 4; pages += 1) {
    next = (await busy.run("list_tasks", { ...asked, cursor: next })).next_cursor;
  }
  expect([typeof cursor, next]).toEqual(["string", undefined]);
});
