import { beforeEach, describe, expect, it } from "vitest";
import { expectWholeLog, loggedCalls } from "../support/change-log.ts";
import { conflictOf, lapse, readyTitles, rowOf } from "../support/claims.ts";
import { answerOf, statelessRequest } from "../support/mcp.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf } from "../support/person.ts";

let person: Person;
/** An agent of the same person, with a token of its own. */
let agent: Person;
beforeEach(async () => {
  person = await Person.signUp();
  agent = await person.withScopes(["tasks:write", "tasks:read"]);
});

const newTask = (title: string, fields = {}) => person.runForTask("create_task", { title, ...fields });

describe("the next task that is ready", () => {
  it("is the one due first, of those the most urgent, of those the oldest; and none is no error", async () => {
    await newTask("later", { due: "2026-12-09" });
    await newTask("whenever, low", { priority: "low" });
    await newTask("soon, second");
    await newTask("soon", { due: "2026-12-01" });
    await newTask("soon, urgent", { due: "2026-12-01", priority: "urgent" });
    await newTask("finished", { status: "completed", due: "2026-11-01" });
    const order = ["soon, urgent", "soon", "later", "whenever, low", "soon, second"];

    expect(await readyTitles(person)).toEqual(order);
    const claimed = [];
    for (const _ of order) claimed.push(await agent.runForTask("update_task", { claim_next: true }));
    expect(claimed.map(({ title }) => title)).toEqual(order);
    expect(await readyTitles(person)).toEqual([]);
    expect(await agent.run("update_task", { claim_next: "true", claim_minutes: 5 })).toEqual({
      tasks: [],
      note: "No task is ready to be claimed.",
    });
    await expectWholeLog(person.id);
  });

  it("are as many as are asked for, under one number and in that order, which renews and releases them together", async () => {
    await newTask("last", { description: "Begin at the gate.\n\nThe key is under the mat." });
    await newTask("second", { due: "2026-12-02", priority: "low" });
    await newTask("third", { due: "2026-12-02T00:00:00", priority: "none" });
    await newTask("first", { due: "2026-12-01T23:00:00" });
    await newTask("finished", { status: "completed" });
    const { tasks, change = 0 } = await agent.run("update_task", { claim_next: "3", claim_minutes: 5 });
    expect(tasks.map(({ title }) => title)).toEqual(["first", "second", "third"]);
    expect((await agent.run("update_task", { claim_next: 25 })).tasks.map(({ title }) => title)).toEqual(["last"]);
    const held = await ownerQuery("select title, claim from tasks where user_id = $1 and claim = $2", [
      person.id,
      change,
    ]);
    expect(held).toHaveLength(3);
    expect(await loggedCalls(person.id)).toHaveLength(7);

    // One number serves them, each alone and all together.
    const [first, second, third] = tasks.map(({ id }) => id);
    await agent.run("complete_task", { task_id: first, claim: change });
    const renewed = await agent.run("update_task", { claim: change, claim_minutes: 90 });
    expect(renewed).toMatchObject({ note: "Claim renewed.", tasks: [{ id: second }, { id: third }] });
    expect(Date.parse(renewed.tasks[1]?.claimed_until ?? "")).toBeGreaterThan(Date.now() + 80 * 60_000);
    await agent.run("update_task", { task_id: second, claim: change, release: true });
    const released = await agent.run("update_task", { claim: change, release: true, note: "Half done." });
    expect(released).toMatchObject({ change: 10, tasks: [{ id: third }] });
    for (const lease of [{ release: true }, { claim_minutes: 5 }]) {
      expect(await conflictOf(agent, "update_task", { claim: change, ...lease })).toMatch(
        new RegExp(`^Claim ${change} does not hold: it was ended, or never made\\. Nothing was changed`),
      );
    }
    expect(await readyTitles(person)).toEqual(["second", "third"]);
    await expectWholeLog(person.id);
  });

  it("is one of the tags that are asked for", async () => {
    await newTask("Paint", { tags: ["home"], due: "2026-12-01" });
    await newTask("Deploy", { tags: ["Work", "ops"] });
    expect(await readyTitles(person, { tags: ["work"] })).toEqual(["Deploy"]);
    expect(await agent.runForTask("update_task", { claim_next: true, tags: ["work"] })).toMatchObject({
      title: "Deploy",
      tags: ["Work", "ops"],
    });
    expect((await agent.run("update_task", { claim_next: true, tags: ["work"] })).tasks).toEqual([]);
  });

  it("is listed page by page in that order", async () => {
    for (const [title, due, priority] of [
      ["a", "2026-12-01", "high"],
      ["b", "2026-12-01", "low"],
      ["c", undefined, "high"],
      ["d", undefined, "low"],
    ]) {
      await newTask(title ?? "", { due, priority });
    }
    const titles: (string | undefined)[] = [];
    for (let cursor: string | undefined, pages = 0; pages === 0 || cursor !== undefined; pages += 1) {
      const page = await person.run("list_tasks", { status: "ready", limit: 1, cursor });
      titles.push(page.tasks[0]?.title);
      cursor = page.next_cursor;
    }
    expect(titles).toEqual(["a", "b", "c", "d"]);
  });

  it("is no task whose claims have lapsed three times: that is set aside for a person", async () => {
    const { id } = await newTask("Poison");
    for (const lapses of [0, 1, 2]) {
      expect(await readyTitles(person), `${lapses}`).toEqual(["Poison"]);
      await agent.runForTask("update_task", { claim_next: true });
      expect(await rowOf(person, id)).toMatchObject({ claim_lapses: lapses });
      expect(await readyTitles(person)).toEqual([]);
      await lapse(person, id);
    }

    expect(await readyTitles(person)).toEqual([]);
    expect((await agent.run("update_task", { claim_next: true })).tasks).toEqual([]);
    expect(await person.runForTask("get_task", { task_id: id })).toMatchObject({ set_aside: true });
    expect((await person.run("list_tasks")).tasks).toMatchObject([{ id, set_aside: true }]);
    await person.run("complete_task", { task_id: id });
    await person.run("update_task", { task_id: id, status: "pending" });
    expect(await readyTitles(person)).toEqual(["Poison"]);
    await expectWholeLog(person.id);
  });
});

describe("at once, and beside what else a call says", () => {
  it("one of two tokens takes a task, and each gets another as the next", async () => {
    const { id } = await newTask("Wanted");
    const both = await Promise.all(
      [agent, person].map((who) => who.call("update_task", { task_id: id, claim_minutes: 5 })),
    );
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
    await newTask("Second");
    await newTask("Third");
    const next = await Promise.all([agent, person].map((who) => who.runForTask("update_task", { claim_next: true })));
    expect(next.map(({ title }) => title).sort()).toEqual(["Second", "Third"]);
  });

  it("a claim of a version that has passed, of a deleted task, or of a task to come, takes nothing", async () => {
    const { id } = await newTask("Wanted");
    const passed = await agent.call("update_task", { task_id: id, title: "x", claim_minutes: 5, expected_version: 2 });
    expect(passed.status).toBe(409);
    expect((await problemOf(passed)).detail).toContain("is at version 1, not 2; nothing was changed");
    expect(await rowOf(person, id)).toMatchObject({ claim: null, title: "Wanted" });
    const made = await agent.call("create_task", { title: "To come", claim_minutes: 5 });
    expect(made.status).toBe(400);
    expect((await problemOf(made)).detail).toContain("claim_minutes");
    await person.run("delete_task", { task_id: id });
    expect((await agent.call("update_task", { task_id: id, claim_minutes: 5 })).status).toBe(404);
  });
});

describe("who takes a task over", () => {
  it("is told what was noted last of it, and by whom", async () => {
    const { id } = await newTask("Fetch the parcel", { note: "From the meeting." });
    const first = await agent.run("update_task", { task_id: id, claim_minutes: 5 });
    expect(first.note).toBe(`#${id}: last note "From the meeting." by http in change 1.`);
    const said = 'Asked at the "counter".';
    await agent.run("update_task", { task_id: id, claim: first.change, release: true, note: said });
    await person.run("update_task", { task_id: id, priority: "high" });

    const { result } = await answerOf(
      await statelessRequest(agent, "tools/call", {
        name: "update_task",
        arguments: { claim_next: 1, note: "On it." },
      }),
    );
    expect(result?.content).toMatchObject([
      {
        text: expect.stringMatching(
          /^Claimed #1 .* · last note "Asked at the \\"counter\\"\." by ".+" \(http\) in change 3 · claim 5/,
        ),
      },
    ]);
  });

  it("is told what was left, and not what somebody who took it in between was about to do", async () => {
    const { id } = await newTask("Fetch the parcel", { note: "The key is under the mat." });
    await agent.run("update_task", { claim_next: 1, note: "On it." });
    await lapse(person, id);
    const { note } = await person.run("update_task", { task_id: id, claim_minutes: 5 });
    expect(note).toBe(`#${id}: last note "The key is under the mat." by http in change 1.`);
  });

  it("reads the beginnings of many notes, and none where none was made", async () => {
    await newTask("A", { note: "A".repeat(500), due: "2026-12-03" });
    await newTask("B", { note: "B".repeat(500), due: "2026-12-02" });
    await newTask("C");
    const { note = "" } = await agent.run("update_task", { claim_next: 25 });
    expect(note).toMatch(
      /^#2: last note "B{50,}…" by http in change 2\. #1: last note "A{50,}…" by http in change 1\.$/,
    );
    expect(note.length).toBeLessThan(800);
    const { id } = await newTask("D");
    expect(await agent.run("update_task", { task_id: id, claim_minutes: 5 })).not.toHaveProperty("note");
  });
});
