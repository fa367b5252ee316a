import { beforeEach, describe, expect, it } from "vitest";
import { answerOf, statelessRequest } from "../support/mcp.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf } from "../support/person.ts";

let person: Person;
beforeEach(async () => {
  person = await Person.signUp({ time_zone: "Asia/Kolkata" });
});

const historyOf = async (input: Record<string, unknown>) => person.run("get_task", input);
/** Without the moment, which is the second part. */
const withoutMoment = (line: string) => line.replace(/ · \d{4}-\d\d-\d\dT[\d:.]+\+05:30/, "");

describe("get_task with history", () => {
  it("tells in words what happened to a task, from the last change on, and who did it", async () => {
    const { id } = await person.runForTask("create_task", {
      ...{ title: "Call Ana", due: "2026-12-01", tags: ["work", 'a "b"'], note: "From the meeting." },
    });
    await person.run("update_task", {
      task_id: id,
      title: "Call Ana back",
      priority: "high",
      due: "2026-12-02T09:00:00",
    });
    await person.run("update_task", { task_id: id, clear: ["tags", "due"], description: "Her new number:\n555-0134" });
    await statelessRequest(person, "tools/call", {
      ...{ name: "complete_task", arguments: { task_id: id, note: "She knew already." } },
    });
    await ownerQuery("update tasks set version = version + 1 where user_id = $1", [person.id]);
    await person.run("create_task", { title: "Another" });

    const { history, tasks, before_change: before } = await historyOf({ task_id: id, history: 10 });
    expect({ tasks, before }).toMatchObject({ tasks: [{ id, version: 5 }], before: undefined });
    const [{ role } = {}] = await ownerQuery("select session_user::text as role");
    expect(history?.map(withoutMoment)).toEqual([
      `change 5 · version 4 → 5 · by "${role}" (sql)`,
      expect.stringMatching(/^change 4 · status pending → completed · by .*mcp.* · note "She knew already\."$/),
      'change 3 · description nothing → "Her new number: 555-0134" · tags "work", "a \\"b\\"" → nothing · due 2026-12-02T09:00:00+05:30 → nothing · by http',
      'change 2 · title "Call Ana" → "Call Ana back" · priority none → high · due 2026-12-01 → 2026-12-02T09:00:00+05:30 · by http',
      'change 1 · created · by http · note "From the meeting."',
    ]);
    expect(history?.[0]).toMatch(/^change 5 · \d{4}-\d\d-\d\dT[\d:.]+\+05:30 · /);
  });

  it("names who did it as a claim does: by the name of a personal token", async () => {
    const agent = await person.withScopes(["tasks:read", "tasks:write"]);
    const { id, version } = await person.runForTask("create_task", { title: "Call Ana" });
    await agent.run("update_task", { task_id: id, priority: "high" });
    const { change: claim, tasks } = await agent.run("update_task", { task_id: id, claim_minutes: 5 });
    const name = tasks[0]?.claimed_by;
    await statelessRequest(agent, "tools/call", {
      ...{ name: "update_task", arguments: { task_id: id, title: "Call Ana back", claim } },
    });

    const { history } = await historyOf({ task_id: id, history: 4 });
    expect(name).toEqual(expect.any(String));
    expect(history?.map((line) => line.split(" · ").at(-1))).toEqual([
      `by "${name}" (mcp)`,
      `by "${name}" (http)`,
      `by "${name}" (http)`,
      "by http",
    ]);
    const refused = await person.call("delete_task", { task_id: id, expected_version: version, claim });
    expect((await problemOf(refused)).detail).toContain(`priority none → high · by "${name}" (http)`);
  });

  it("comes page by page, in the text too", async () => {
    const { id } = await person.runForTask("create_task", { title: "Version 1" });
    for (const version of [2, 3, 4]) await person.run("update_task", { task_id: id, title: `Version ${version}` });
    const first = await historyOf({ task_id: id, history: 2 });
    const second = await historyOf({ task_id: id, history: 2, before_change: first.before_change });
    const call = { name: "get_task", arguments: { task_id: id, history: 1 } };
    const { result } = await answerOf(await statelessRequest(person, "tools/call", call));

    const numbers = [first, second].map(({ history }) => history?.map((line) => line.split(" · ")[0]));
    expect(numbers).toEqual([
      ["change 4", "change 3"],
      ["change 2", "change 1"],
    ]);
    expect([first.before_change, second.before_change]).toEqual([3, undefined]);
    expect(result?.content).toMatchObject([
      {
        text: expect.stringMatching(
          /^#1 "Version 4" .*\nchange 4 · \S+ · title "Version 3" → "Version 4" · by .*\nThere are earlier ones: before_change 4$/,
        ),
      },
    ]);
    expect(await historyOf({ task_id: id, before_change: 1 })).toMatchObject({ history: [] });
    expect((await historyOf({ task_id: id })).history).toBeUndefined();
  });

  it("is of tasks that are there, and of one's own", async () => {
    const { id } = await person.runForTask("create_task", { title: "Mine" });
    const stranger = await Person.signUp();
    expect((await stranger.call("get_task", { task_id: id, history: 5 })).status).toBe(404);
    await person.run("delete_task", { task_id: id });
    expect((await person.call("get_task", { task_id: id, history: 5 })).status).toBe(404);
    for (const history of [0, 51]) {
      expect((await person.call("get_task", { task_id: id, history })).status).toBe(400);
    }
  });

  it("shows the beginning of what is long, and nothing that somebody has put into a task or a note as words of its own", async () => {
    const { id } = await person.runForTask("create_task", { title: 'x" · deleted' });
    await person.run("update_task", {
      task_id: id,
      description: "word ".repeat(2000),
      note: 'n" · created · by http\nchange 9',
    });
    const { history = [] } = await historyOf({ task_id: id, history: 1 });

    expect(history[0]?.length).toBeLessThan(400);
    expect(history[0]).toMatch(
      / · description nothing → "word .*…" · by http · note "n\\" · created · by http change 9"$/,
    );
  });
});

describe.each(["update_task", "complete_task", "delete_task"])("%s with expected_version", (tool) => {
  const edit = tool === "update_task" ? { title: "Mine" } : {};

  it("is carried out at that version", async () => {
    const { id } = await person.runForTask("create_task", { title: "Version 1" });
    expect((await person.run(tool, { task_id: id, expected_version: 1, ...edit })).change).toBe(2);
  });

  it("refuses at any other, changes nothing, and says what has changed since", async () => {
    const { id } = await person.runForTask("create_task", { title: "Version 1" });
    await person.run("update_task", { task_id: id, title: "Version 2", note: "They asked me to." });
    await person.run("update_task", { task_id: id, priority: "low" });
    const rows = await ownerQuery("select * from tasks where user_id = $1", [person.id]);
    const refused = await person.call(tool, { task_id: id, expected_version: 1, ...edit });

    expect(refused.status).toBe(409);
    expect((await problemOf(refused)).detail.split("\n").map(withoutMoment)).toEqual([
      "The task is at version 3, not 1; nothing was changed. Since then:",
      'change 2 · title "Version 1" → "Version 2" · by http · note "They asked me to."',
      "change 3 · priority none → low · by http",
    ]);
    const early = await person.call(tool, { task_id: id, expected_version: 99, ...edit });
    expect((await problemOf(early)).detail).toBe(
      "The task is at version 3, not 99; nothing was changed. Read it again before changing it.",
    );
    expect(await ownerQuery("select * from tasks where user_id = $1", [person.id])).toEqual(rows);
  });

  it("tells of the last five changes, where there are more", async () => {
    const { id } = await person.runForTask("create_task", { title: "Version 1" });
    for (const version of [2, 3, 4, 5, 6, 7]) {
      await person.run("update_task", { task_id: id, title: `Version ${version}` });
    }
    const refused = await person.call(tool, { task_id: id, expected_version: 1, ...edit });
    const [first, ...lines] = (await problemOf(refused)).detail.split("\n");

    expect(first).toBe("The task is at version 7, not 1; nothing was changed. The last 5 changes since then:");
    expect(lines.map((line) => line.split(" · ")[0])).toEqual([3, 4, 5, 6, 7].map((number) => `change ${number}`));
  });

  it("finds no task that is deleted", async () => {
    const { id } = await person.runForTask("create_task", { title: "Goes" });
    await person.run("delete_task", { task_id: id });
    for (const version of [1, 2]) {
      expect((await person.call(tool, { task_id: id, expected_version: version, ...edit })).status).toBe(404);
    }
  });
});

it("a task that was completed by another is a conflict for who expects it as it was before", async () => {
  const { id } = await person.runForTask("create_task", { title: "Once" });
  await person.run("complete_task", { task_id: id });
  expect((await person.call("complete_task", { task_id: id, expected_version: 1 })).status).toBe(409);
  expect((await person.run("complete_task", { task_id: id, expected_version: 2 })).note).toContain("completed before");
});
