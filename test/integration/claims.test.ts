import { beforeEach, describe, expect, it } from "vitest";
import { expectWholeLog, loggedCalls, loggedTaskChanges } from "../support/change-log.ts";
import { conflictOf, lapse, readyTitles, rowOf } from "../support/claims.ts";
import { statelessRequest } from "../support/mcp.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf } from "../support/person.ts";

let person: Person;
/** Two agents of the same person, each with a token of its own. */
let agent: Person;
let other: Person;
beforeEach(async () => {
  person = await Person.signUp();
  [agent, other] = await Promise.all([person.withScopes(["tasks:write", "tasks:read"]), person.signInAgain()]);
});

const newTask = (title: string, fields = {}) => person.runForTask("create_task", { title, ...fields });

/** Claims a task, and returns the claim's number. */
async function claim(who: Person, id: number, minutes = 30): Promise<number> {
  return (await who.run("update_task", { task_id: id, claim_minutes: minutes })).change ?? 0;
}

describe("a claim", () => {
  it("is the number of its change, names its holder, and leaves the version as it was", async () => {
    const { id } = await newTask("Paint the fence");
    const { tasks, change } = await agent.run("update_task", { task_id: id, claim_minutes: 45, note: "On it." });

    expect(change).toBe(2);
    expect(tasks).toMatchObject([
      { id, version: 1, claimed_by: expect.any(String), claimed_until: expect.any(String) },
    ]);
    const row = await rowOf(person, id);
    expect(row).toMatchObject({ claim: "2", version: 1, claim_lapses: 0, last_change: "2" });
    const left = Date.parse(String(row?.claimed_until)) - Date.now();
    expect(left / 60_000).toBeGreaterThan(43);
    expect(left / 60_000).toBeLessThan(46);
    expect((await loggedCalls(person.id)).at(-1)).toMatchObject({ change: 2, note: "On it." });
    expect((await loggedTaskChanges(person.id)).at(-1)).toMatchObject({
      operation: "update",
      before: { claim: null, claimed_by: null, claimed_until: null },
      after: { claim: 2, claimed_by: row?.claimed_by, claimed_until: expect.any(String) },
    });
    await expectWholeLog(person.id);
  });

  it("names its holder by the personal token, or else by the client, or else by the way that it came", async () => {
    const call = (id: number) => ({ name: "update_task", arguments: { task_id: id, claim_minutes: 5 } });
    const ways: readonly (readonly [name: string, claimTask: (id: number) => Promise<unknown>])[] = [
      ["Laptop", (id) => claim(agent, id)],
      ["test", (id) => statelessRequest(person, "tools/call", call(id))],
      ["http", (id) => claim(person, id)],
    ];
    for (const [name, claimTask] of ways) {
      const { id } = await newTask(`Held by ${name}`);
      await claimTask(id);
      expect(await rowOf(person, id)).toMatchObject({ claimed_by: name });
      expect(await conflictOf(other, "complete_task", { task_id: id })).toMatch(
        new RegExp(`^Task #${id} is claimed by "${name}" until `),
      );
    }
  });

  it("comes with an edit, in one change", async () => {
    const { id } = await newTask("Paint");
    const { tasks, change } = await agent.run("update_task", { task_id: id, status: "in_progress", claim_minutes: 5 });

    expect(change).toBe(2);
    expect(tasks).toMatchObject([{ status: "in_progress", version: 2, claimed_by: expect.any(String) }]);
    expect(await rowOf(person, id)).toMatchObject({ claim: "2" });
  });

  it("comes without a version where the edit changes nothing", async () => {
    const { id } = await newTask("Paint");
    const { tasks } = await agent.run("update_task", { task_id: id, title: "Paint", claim_minutes: 5 });
    expect(tasks).toMatchObject([{ version: 1, claimed_by: expect.any(String) }]);
  });

  it.each([
    ["update_task", { title: "Mine" }],
    ["update_task", { status: "cancelled" }],
    ["update_task", { claim_minutes: 10 }],
    ["complete_task", {}],
    ["delete_task", {}],
  ])("keeps all others from changing its task: %s %j", async (tool, input) => {
    const { id } = await newTask("Held");
    await claim(agent, id);
    const before = await rowOf(person, id);

    expect(await conflictOf(other, tool, { task_id: id, ...input })).toMatch(
      new RegExp(
        `^Task #${id} is claimed by ".+" until \\S+; nothing was changed\\. Only its holder may change it, with the claim's number as claim\\.$`,
      ),
    );
    expect(await rowOf(person, id)).toEqual(before);
    await expectWholeLog(person.id);
  });

  it("lets its holder change and complete the task, which ends it", async () => {
    const { id } = await newTask("Held");
    const number = await claim(agent, id);
    await agent.run("update_task", { task_id: id, description: "Half done.", claim: number });
    expect(await rowOf(person, id)).toMatchObject({ claim: String(number), claimed_by: expect.any(String) });
    const { tasks } = await agent.run("complete_task", { task_id: id, claim: `${number}`, note: "Done." });

    expect(tasks).toMatchObject([{ status: "completed", version: 3 }]);
    expect(tasks[0]).not.toHaveProperty("claimed_by");
    expect(await rowOf(person, id)).toMatchObject({ claim: String(number), claimed_by: null, claimed_until: null });
    // A repeat without a key, as after a lost answer.
    expect((await agent.run("complete_task", { task_id: id, claim: number })).note).toMatch(/completed before/);
  });

  it.each([
    ["delete_task", {}],
    ["update_task", { status: "cancelled" }],
  ])("ends with its task by %s %j of its holder", async (tool, input) => {
    const { id } = await newTask("Held");
    const number = await claim(agent, id);
    await agent.run(tool, { task_id: id, claim: number, ...input });
    expect(await rowOf(person, id)).toMatchObject({ claim: String(number), claimed_by: null, claimed_until: null });
  });

  it("is renewed without a version, a change or a line in the log", async () => {
    const { id } = await newTask("Held");
    const number = await claim(agent, id, 1);
    const { tasks, change, note } = await agent.run("update_task", { task_id: id, claim: number, claim_minutes: 60 });

    expect({ change, note }).toEqual({ change: undefined, note: "Claim renewed." });
    expect(Date.parse(tasks[0]?.claimed_until ?? "")).toBeGreaterThan(Date.now() + 58 * 60_000);
    expect(tasks).toMatchObject([{ version: 1 }]);
    expect(await loggedCalls(person.id)).toHaveLength(2);
  });

  it("is handed over with a note, and then another may take the task", async () => {
    const { id } = await newTask("Held");
    const number = await claim(agent, id);
    const { change, tasks } = await agent.run("update_task", {
      ...{ task_id: id, claim: number, release: true, note: "The left side is done." },
    });

    expect(change).toBe(3);
    expect(tasks[0]).toMatchObject({ version: 1 });
    expect(tasks[0]).not.toHaveProperty("claimed_by");
    expect((await loggedCalls(person.id)).at(-1)).toMatchObject({ note: "The left side is done." });
    expect(await readyTitles(person)).toEqual(["Held"]);
    expect(await claim(other, id)).toBe(4);
    await lapse(person, id);
    await person.run("update_task", { task_id: id, title: "Held no more" });
    const asked = await person.call("get_task", { task_id: id, history: 10 });
    expect(await asked.json()).toHaveProperty("history", [
      expect.stringMatching(/· title "Held" → "Held no more" · found that its claim had lapsed ·/),
      expect.stringMatching(/^change 4 · \S+ · claimed until \S+ · by/),
      expect.stringMatching(/^change 3 · \S+ · ended the claim of ".+" · by .* · note "The left side is done\."$/),
      expect.stringMatching(/^change 2 · \S+ · claimed until \S+ · by/),
      expect.stringMatching(/^change 1 · \S+ · created/),
    ]);
    await expectWholeLog(person.id);
  });

  it("that another has superseded is refused for good, however late its holder comes", async () => {
    const { id } = await newTask("Held");
    const first = await claim(agent, id);
    await lapse(person, id);
    const second = await claim(other, id);
    const refused = `Claim ${first} of task #${id} does not hold: `;
    const late = [
      ["complete_task", {}],
      ["delete_task", {}],
      ["update_task", { title: "Late" }],
      ["update_task", { claim_minutes: 5 }],
      ["update_task", { release: true }],
    ] as const;

    for (const [tool, input] of late) {
      expect(await conflictOf(agent, tool, { task_id: id, claim: first, ...input })).toMatch(
        new RegExp(
          `^${refused}".+" claimed it after that, until \\S+\\. Nothing was changed, and no call under that claim will ever change anything`,
        ),
      );
    }
    await lapse(person, id);
    expect(await conflictOf(agent, "complete_task", { task_id: id, claim: first })).toContain(refused);
    await other.run("complete_task", { task_id: id, claim: second });
    expect(await conflictOf(agent, "complete_task", { task_id: id, claim: first })).toContain(refused);
    await person.run("update_task", { task_id: id, status: "pending" });
    for (const ended of [first, second]) {
      expect(await conflictOf(agent, "complete_task", { task_id: id, claim: ended })).toContain("does not hold");
    }
    expect(await rowOf(person, id)).toMatchObject({ status: "pending", title: "Held" });
  });

  it("that has lapsed and that nobody took may still finish, and anybody may change its task", async () => {
    const [one, two] = [await newTask("One"), await newTask("Two")];
    const claims = [await claim(agent, one.id), await claim(agent, two.id)];
    await lapse(person, one.id, two.id);
    const edited = await other.runForTask("update_task", { task_id: two.id, title: "Two, changed" });

    expect(edited).toMatchObject({ claimed_by: expect.any(String) });
    expect(edited).not.toHaveProperty("claimed_until");
    for (const [index, { id }] of [one, two].entries()) {
      expect(await agent.endTask("complete_task", { task_id: id, claim: claims[index] })).toMatchObject({
        status: "completed",
      });
    }
    await expectWholeLog(person.id);
  });

  it("of no task, or of another, is refused", async () => {
    const [one, two] = [await newTask("One"), await newTask("Two")];
    const number = await claim(agent, one.id);
    for (const given of [number, 1, 99]) {
      expect(await conflictOf(agent, "update_task", { task_id: two.id, title: "x", claim: given })).toContain(
        "does not hold: it was ended, or never made",
      );
    }
  });

  it("is made of no task that is finished", async () => {
    const { id } = await newTask("Done", { status: "completed" });
    expect(await conflictOf(agent, "update_task", { task_id: id, claim_minutes: 5 })).toBe(
      `Task #${id} is completed; only a task that is pending or in_progress can be claimed. Nothing was changed.`,
    );
    expect((await agent.call("update_task", { task_id: id + 1, claim_minutes: 5 })).status).toBe(404);
    const opened = { task_id: id, status: "pending", claim_minutes: 5 };
    expect(await agent.runForTask("update_task", opened)).toMatchObject({ claimed_by: expect.any(String) });
  });

  it("is made once, however often a call is made with its key", async () => {
    const { id } = await newTask("Held");
    const input = { task_id: id, claim_minutes: 5, idempotency_key: "once" };
    const first = await agent.run("update_task", input);
    expect(await agent.run("update_task", input)).toMatchObject({ change: first.change, replayed: true });
  });

  it("goes with the account", async () => {
    const { id } = await newTask("Held");
    await claim(agent, id);
    await ownerQuery("delete from users where id = $1", [person.id]);
    expect(await rowOf(person, id)).toBeUndefined();
  });
});

describe("an input that does not fit is refused, and changes nothing", () => {
  it.each([
    [{ claim_minutes: 0, task_id: 1 }, "claim_minutes must be at least 1"],
    [{ claim_minutes: 1441, task_id: 1 }, "claim_minutes must be at most 1440"],
    [{ title: "x" }, "task_ids is required, or match, or claim_next, or undo"],
    [
      { claim_next: true, task_id: 1 },
      "task_id must be left out beside claim_next, which takes tags and claim_minutes",
    ],
    [{ claim_next: true, title: "x" }, "title must be left out beside claim_next, which takes tags and claim_minutes"],
    [{ claim_next: true, claim: 1 }, "claim must be left out beside claim_next, which takes tags and claim_minutes"],
    [{ task_id: 1, release: true }, "claim must be given with release: the number of the claim to end"],
    [
      { task_id: 1, claim: 1, claim_minutes: 5, release: true },
      "release cannot go with claim_minutes; do one of the two",
    ],
    [
      { task_id: 1, claim_minutes: 5, status: "completed" },
      "claim_minutes must be left out beside status completed, which ends a claim",
    ],
    [{ task_id: 1, claim: 0, title: "x" }, "claim must be at least 1"],
    [{ claim_next: "maybe" }, "claim_next must be a number"],
    [{ claim_next: 0 }, "claim_next must be at least 1"],
    [{ claim_next: 26 }, "claim_next must be at most 25"],
    [{ claim_next: false }, "task_ids is required, or match, or claim_next, or undo"],
    [
      { task_id: 1, claim: 1 },
      "claim says under which claim to act: give what to change too, claim_minutes to renew it, or release",
    ],
    [{ claim: 1 }, "task_ids is required, or match, or claim_next, or undo"],
    [{ claim: 1, release: true, title: "x" }, "task_ids is required, or match, or claim_next, or undo"],
    [{ claim: 1, release: true, expected_version: 1 }, "task_ids is required, or match, or claim_next, or undo"],
    [{ task_id: 1, claim: 2 ** 53, title: "x" }, "claim must be at most 9007199254740991"],
    [{ task_id: 1, claim: "1e99", title: "x" }, "claim must be a number"],
    [{ task_id: 2 ** 31, claim_minutes: 5 }, "task_id must be a whole number from 1 to 2147483647"],
    [{ task_id: 1, claim_minutes: 1.5 }, "claim_minutes must be a whole number"],
  ])("%j", async (input, detail) => {
    await newTask("Held");
    const refused = await agent.call("update_task", input);
    expect(refused.status).toBe(400);
    expect((await problemOf(refused)).detail).toBe(detail);
    expect(await loggedCalls(person.id)).toHaveLength(1);
  });
});
