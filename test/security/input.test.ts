import { beforeAll, describe, expect, it } from "vitest";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf } from "../support/person.ts";

let person: Person;
let taskId: number;

const rows = () => ownerQuery("select * from tasks where user_id = $1 order by id", [person.id]);

beforeAll(async () => {
  person = await Person.signUp();
  ({ id: taskId } = await person.runForTask("create_task", { title: "Stays as it is" }));
});

/** The tool must refuse with this field and message, and leave every row as it was. */
async function expectRefusal(tool: string, input: unknown, field: string, message: string): Promise<void> {
  const before = await rows();
  const response = await person.call(tool, input);

  expect(response.status).toBe(400);
  const problem = await problemOf(response);
  expect(problem.errors).toContainEqual({ field, message });
  expect(problem.detail).toContain(message);
  expect(await rows()).toEqual(before);
}

const NO_TITLE = "is required, or tasks with at least one in it";
const LENGTH = "must be 1 to 200 characters long";
const DUE =
  "must be a date such as 2026-11-30 or a date-time such as 2026-11-30T17:00:00, with an offset (+01:00) or without, " +
  "in the years 1900 to 9999";
const NO_WORD = `${DUE}. A word such as tomorrow is not a date: work it out from the current time, which list_tasks tells`;
const STATUSES = "open, ready, overdue, all, pending, in_progress, completed, cancelled, deleted";
const ID = "must be a whole number from 1 to 2147483647";

describe("a new task", () => {
  it.each<[string, Record<string, unknown>, string, string]>([
    ["no title", {}, "title", NO_TITLE],
    ["an empty title", { title: "" }, "title", NO_TITLE],
    ["a blank title", { title: " \t \u3000 " }, "title", NO_TITLE],
    ["a title of nothing to see", { title: "\u200B\u200D\uFEFF" }, "title", NO_TITLE],
    ["201 characters", { title: "x".repeat(201) }, "title", LENGTH],
    ["201 emoji", { title: "🥛".repeat(201) }, "title", LENGTH],
    ["a very long title", { title: "x".repeat(200_000) }, "title", LENGTH],
    ["U+0000", { title: "a\0b" }, "title", "must not contain the character U+0000"],
    [
      "31 marks on one letter",
      { title: `a${"\u0301".repeat(31)}` },
      "title",
      "must not have more than 30 marks on one character",
    ],
    ["a lone surrogate", { title: "a\uD800b" }, "title", "must be well-formed Unicode"],
    ["two lines", { title: "a\nb" }, "title", "must be one line without control characters"],
    ["a number", { title: 5 }, "title", "must be a string"],
    ["null", { title: null }, "title", NO_TITLE],
    [
      "U+0000 in the description",
      { title: "a", description: "\0" },
      "description",
      "must not contain the character U+0000",
    ],
    [
      "a long description",
      { title: "a", description: "x".repeat(10_001) },
      "description",
      "must be at most 10000 characters long",
    ],
    [
      "an unknown status",
      { title: "a", status: "open" },
      "status",
      "must be one of pending, in_progress, completed, cancelled",
    ],
    [
      "an unknown priority",
      { title: "a", priority: "p1" },
      "priority",
      "must be one of none, low, medium, high, urgent",
    ],
    [
      "a day that is not",
      { title: "a", due: "2026-02-30" },
      "due",
      "must be a day that exists: there is no 30 February 2026",
    ],
    ["a word for a day", { title: "a", due: "tomorrow" }, "due", NO_WORD],
    ["a moment of 150 digits", { title: "a", due: `2026-11-30T17:00:00.${"0".repeat(150)}Z` }, "due", DUE],
    ["the year 0", { title: "a", due: "0000-01-01" }, "due", DUE],
    ["a moment past the year 9999", { title: "a", due: "9999-12-31T23:59:59-14:00" }, "due", DUE],
    ["tags that are no list", { title: "a", tags: { home: 1 } }, "tags", "must be an array"],
    [
      "21 tags",
      { title: "a", tags: Array.from({ length: 21 }, (_, index) => `t${index}`) },
      "tags",
      "must have at most 20 items",
    ],
    ["an empty tag", { title: "a", tags: ["home", ""] }, "tags.1", "must be 1 to 50 characters long"],
    ["a tag that is no text", { title: "a", tags: [7] }, "tags.0", "must be a string"],
    [
      "an idempotency key that is too long",
      { title: "a", idempotency_key: "k".repeat(101) },
      "idempotency_key",
      "must be 1 to 100 characters long",
    ],
  ])("with %s is refused", async (_, input, field, message) => {
    await expectRefusal("create_task", input, field, message);
  });

  it.each([
    ["200 characters", "x".repeat(200)],
    ["200 emoji, each two UTF-16 units", "🥛".repeat(200)],
    ["combining characters that stay apart", "Q\u0301 für q\u0308"],
    ["an emoji of several code points", "👩‍👩‍👧‍👦 family dinner"],
    ["right-to-left text", "לקנות חלב"],
    ["markup", "<script>alert(1)</script> & 'quotes' \"too\""],
    ["SQL", "'); drop table tasks; --"],
    ["a parameter's place", "$1 %s {0} \\u0000"],
  ])("with a title of %s is kept to the letter", async (_, title) => {
    const task = await person.runForTask("create_task", { title, description: `${title}\n${title}`, tags: ["💡"] });

    expect(task.title).toBe(title);
    const [row] = await ownerQuery("select title, description, tags from tasks where user_id = $1 and id = $2", [
      person.id,
      task.id,
    ]);
    expect(row).toEqual({ title, description: `${title}\n${title}`, tags: ["💡"] });
  });

  it("with several faults names each of them", async () => {
    const problem = await problemOf(await person.call("create_task", { title: "", status: "x", colour: 1 }));

    expect(problem.errors?.map(({ field }) => field).sort()).toEqual(["colour", "status", "title"]);
  });
});

describe.each(["get_task", "update_task", "complete_task", "delete_task"])("%s", (tool) => {
  const rest = tool === "update_task" ? { title: "Changed" } : {};
  const others = { complete_task: ", or match", update_task: ", or match, or claim_next, or undo" };
  const required = `is required${new Map(Object.entries(others)).get(tool) ?? ""}`;

  it.each([-1, 0, 1.5, 2_147_483_648, 1e300])("refuses the id %d", async (id) => {
    await expectRefusal(tool, { ...rest, task_id: id }, "task_id", ID);
  });

  it.each([["one"], [null], [true], [[1]], [{ id: 1 }]])("refuses the id %j", async (id) => {
    const [field, message] = id === null ? ["task_ids", required] : ["task_id", "must be a number"];
    await expectRefusal(tool, { ...rest, task_id: id }, field, message);
  });

  it("refuses no id at all", async () => {
    await expectRefusal(tool, rest, "task_ids", required);
  });

  it("refuses an unknown field", async () => {
    const before = await rows();
    const response = await person.call(tool, { ...rest, task_id: taskId, force: true });

    expect(response.status).toBe(400);
    expect(await problemOf(response)).toMatchObject({
      detail: expect.stringMatching(/^Unknown field force\. Allowed: task_ids/),
      errors: [{ field: "force", message: "is not a known field" }],
    });
    expect(await rows()).toEqual(before);
  });
});

describe("list_tasks", () => {
  it.each([
    [{ status: "finished" }, "status", `must be one of ${STATUSES}`],
    [{ limit: 0 }, "limit", "must be a whole number from 1 to 100"],
    [{ limit: 101 }, "limit", "must be a whole number from 1 to 100"],
    [{ limit: "five" }, "limit", "must be a number"],
    [{ order: "title" }, "order", "must be one of due, priority, created, updated, position"],
    [{ search: "x".repeat(201) }, "search", LENGTH],
    [{ search: "a\0" }, "search", "must not contain the character U+0000"],
    [{ due_before: "soon" }, "due_before", NO_WORD],
    [{ due_from: `2026-11-30T17:00:00.${"0".repeat(150)}Z` }, "due_from", DUE],
  ])("refuses %j", async (input, field, message) => {
    await expectRefusal("list_tasks", input, field, message);
  });
});
