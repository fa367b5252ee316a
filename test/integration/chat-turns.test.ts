import { describe, expect, test } from "vitest";
import { chat, makeTasks } from "../support/chatting.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person } from "../support/person.ts";
import { calls, Script, says } from "../support/scripted-model.ts";

// Turns as models take them. Each begins with the tasks A, B, C and D; `{{n}}` is the nth task id in the outputs so far.
// Checked are the calls that were answered, in order, and every row of the person's tasks afterwards.

type Call = readonly [tool: string, input: object];

interface Turn {
  readonly name: string;
  readonly rounds: readonly (readonly Call[])[];
  /** The rows that differ from how they began, by title as it began, and null for one that is gone; new ones too. */
  readonly changes?: Readonly<Record<string, string | null>>;
  /** The calls that fail, by their place. */
  readonly failing?: readonly number[];
  /** What the person answers to each question. */
  readonly answers?: readonly boolean[];
}

const row = { title: "", status: "pending", priority: "none", due: null, tags: [], version: 1 };

function expected(title: string, differences: Partial<Record<keyof typeof row, unknown>> = {}): string {
  return JSON.stringify({ ...row, title, ...differences });
}

const list: Call = ["list_tasks", {}];
const create = (title: string, more: object = {}): Call => ["create_task", { title, ...more }];
const complete = (place: number): Call => ["complete_task", { task_id: `{{${place}}}` }];
const update = (place: number, changes: object): Call => ["update_task", { task_id: `{{${place}}}`, ...changes }];
const remove = (place: number): Call => ["delete_task", { task_id: `{{${place}}}` }];
const get = (place: number): Call => ["get_task", { task_id: `{{${place}}}` }];

const completed = (title: string) => expected(title, { status: "completed", version: 2 });
const priorities = ["low", "medium", "high", "urgent"] as const;
const statuses = ["in_progress", "completed", "cancelled"] as const;
const orders = ["due", "priority", "created", "updated", "position"] as const;

const turns: readonly Turn[] = [
  { name: "only words", rounds: [] },
  { name: "list", rounds: [[list]] },
  ...["open", "all", "pending", "in_progress", "completed", "cancelled"].map((status) => ({
    name: `list ${status}`,
    rounds: [[["list_tasks", { status }] as const]],
  })),
  ...orders.map((order) => ({ name: `list by ${order}`, rounds: [[["list_tasks", { order, limit: 2 }] as const]] })),
  ...[1, 2, 3, 5].map((count) => ({
    name: `create ${count} at once`,
    rounds: [Array.from({ length: count }, (_, index) => create(`New ${index}`))],
    changes: Object.fromEntries(
      Array.from({ length: count }, (_, index) => [`New ${index}`, expected(`New ${index}`)]),
    ),
  })),
  ...priorities.map((priority) => ({
    name: `create with priority ${priority}`,
    rounds: [[create("New", { priority, tags: ["home"] })]],
    changes: { New: expected("New", { priority, tags: ["home"] }) },
  })),
  {
    name: "create due on a day",
    rounds: [[create("New", { due: "2026-12-24" })]],
    changes: { New: expected("New", { due: "2026-12-24" }) },
  },
  {
    name: "create twice with one idempotency key",
    rounds: [[create("New", { idempotency_key: "k" }), create("New", { idempotency_key: "k" })]],
    changes: { New: expected("New") },
  },
  {
    name: "create, then complete by its new id",
    rounds: [[create("New")], [complete(1)]],
    changes: { New: completed("New") },
  },
  ...["A", "B", "C", "D"].map((title, index) => ({
    name: `complete ${title}`,
    rounds: [[list], [complete(index + 1)]],
    changes: { [title]: completed(title) },
  })),
  {
    name: "complete all four at once",
    rounds: [[list], [complete(1), complete(2), complete(3), complete(4)]],
    changes: { A: completed("A"), B: completed("B"), C: completed("C"), D: completed("D") },
  },
  { name: "complete one twice", rounds: [[list], [complete(2), complete(2)]], changes: { B: completed("B") } },
  ...statuses.map((status) => ({
    name: `set ${status}`,
    rounds: [[list], [update(3, { status })]],
    changes: { C: expected("C", { status, version: 2 }) },
  })),
  ...priorities.map((priority) => ({
    name: `set priority ${priority}`,
    rounds: [[list], [update(1, { priority })]],
    changes: { A: expected("A", { priority, version: 2 }) },
  })),
  {
    name: "rename",
    rounds: [[list], [update(1, { title: "Å — new 🥛" })]],
    changes: { A: expected("Å — new 🥛", { version: 2 }) },
  },
  {
    name: "set and clear in two rounds",
    rounds: [[list], [update(4, { due: "2026-12-24", tags: ["x", "y"] })], [update(4, { clear: ["due"] })]],
    changes: { D: expected("D", { tags: ["x", "y"], version: 3 }) },
  },
  {
    name: "change with the version that was read",
    rounds: [[list], [get(2)], [update(2, { title: "B2", expected_version: 1 })]],
    changes: { B: expected("B2", { version: 2 }) },
  },
  {
    name: "change with a version that is past",
    rounds: [[list], [update(2, { title: "B2" }), update(2, { title: "B3", expected_version: 1 })]],
    changes: { B: expected("B2", { version: 2 }) },
    failing: [2],
  },
  {
    name: "search and complete",
    rounds: [[["list_tasks", { search: "c" }]], [complete(1)]],
    changes: { C: completed("C") },
  },
  { name: "a task that is not there", rounds: [[["complete_task", { task_id: 2_000_000_000 }]]], failing: [0] },
  {
    name: "one call that fails between two that do not",
    rounds: [[create("New"), create("  "), create("Newer")]],
    changes: { New: expected("New"), Newer: expected("Newer") },
    failing: [1],
  },
  { name: "an unknown field", rounds: [[["list_tasks", { colour: "red" }]]], failing: [0] },
  { name: "delete after a yes", rounds: [[list], [remove(2)]], changes: { B: null }, answers: [true] },
  {
    name: "create one and delete it again after a yes",
    rounds: [[create("New")], [remove(1)]],
    answers: [true],
  },
  {
    name: "delete everything after four answers",
    rounds: [[list], [remove(1), remove(2), remove(3), remove(4)]],
    changes: { A: null, B: null, C: null, D: null },
    answers: [true, true, true, true],
  },
  { name: "not delete after a no", rounds: [[list], [remove(2)]], answers: [false] },
  {
    name: "delete some, by two answers of three",
    rounds: [[list], [remove(1), remove(2), remove(3)]],
    changes: { A: null, C: null },
    answers: [true, false, true],
  },
  {
    name: "do what needs no yes beside what does",
    rounds: [[list], [complete(1), remove(4)]],
    changes: { A: completed("A"), D: null },
    answers: [true],
  },
  {
    name: "six changes after six answers, one of them no",
    rounds: [Array.from({ length: 6 }, (_, index) => create(`New ${index}`))],
    changes: Object.fromEntries([0, 1, 2, 3, 5].map((index) => [`New ${index}`, expected(`New ${index}`)])),
    answers: [true, true, true, true, false, true],
  },
];

describe(`${turns.length} scripted turns`, () => {
  test("are fifty or more", () => expect(turns.length).toBeGreaterThanOrEqual(50));

  test.each(turns)("$name", async ({ rounds, changes = {}, failing = [], answers = [] }) => {
    const person = await Person.signUp();
    await makeTasks(person, "A", "B", "C", "D");
    const script = await Script.write([...rounds.map((round) => calls(...round)), says("So be it.")]);
    let answer = await chat(person, { message: `Do ${script.mark}` });
    const done = answer.tool_calls.filter(({ status }) => status !== "approval_required");
    if (answers.length > 0) {
      expect(answer.approval_required).toHaveLength(answers.length);
      const approval = answer.approval_required?.map(({ id }, index) => ({ id, approved: answers[index] }));
      answer = await chat(person, { conversation_id: answer.conversation_id, approval });
      done.push(...answer.tool_calls);
    }
    expect(answer.response).toBe("So be it.");

    const planned = rounds.flat();
    expect(done.map(({ tool }) => tool).sort()).toEqual(planned.map(([tool]) => tool).sort());
    if (answers.length === 0) {
      expect(done.map(({ tool }) => tool)).toEqual(planned.map(([tool]) => tool));
      expect(done.map(({ status }) => status)).toEqual(
        planned.map((_, place) => (failing.includes(place) ? "failed" : "done")),
      );
    }
    // Every call got its output back, in the next request.
    const { requests } = await script.record();
    expect(requests).toHaveLength(rounds.length + 1);
    const last = requests.at(-1)?.input ?? [];
    const asked = last.flatMap((item) => ("name" in item ? [item.call_id] : []));
    expect(last.flatMap((item) => ("output" in item ? [item.call_id] : [])).sort()).toEqual(asked.sort());
    expect(asked).toHaveLength(planned.length);

    const rows = await ownerQuery(
      "select title, status, priority, due_date::text as due, tags, version from tasks where user_id = $1 and deleted_at is null order by id",
      [person.id],
    );
    const begun = ["A", "B", "C", "D"].map((title) => [title, expected(title)] as const);
    const after = Object.values({ ...Object.fromEntries(begun), ...changes }).filter((each) => each !== null);
    expect(rows.map((each) => JSON.stringify({ ...row, ...each }))).toEqual(after);
  });
});
