import { describe, expect, test } from "vitest";
import * as z from "zod";
import { ApplicationError } from "../../src/errors.ts";
import { parseInput } from "../../src/input.ts";
import { catalog } from "../../src/tools/catalog.ts";
import { readToolInput, toolNameOf } from "../../src/tools/tool-input.ts";

const read = (name: string, given: unknown): unknown => {
  const tool = catalog.find((candidate) => candidate.name === name);
  if (tool === undefined) throw new Error(`there is no ${name}`);
  return readToolInput(tool.input, given);
};

const refusal = (name: string, given: unknown) => {
  try {
    read(name, given);
  } catch (error) {
    if (error instanceof ApplicationError) return error.message;
    throw error;
  }
  return undefined;
};

const defaults = { status: "open", order: "due", limit: expect.any(Number) };

describe("what models send is read as what they mean", () => {
  test.each<[string, string, unknown, unknown]>([
    ["an id in a string", "get_task", { task_id: "12" }, { task_id: 12 }],
    ["an id as the lists show it", "get_task", { task_id: "#12" }, { task_id: 12 }],
    ["an id with a space", "get_task", { task_id: " 12 " }, { task_id: 12 }],
    ["an id with a fraction of nothing", "get_task", { task_id: "12.0" }, { task_id: 12 }],
    ["a number in a string", "list_tasks", { limit: "10" }, { ...defaults, limit: 10 }],
    [
      "a version in a string",
      "update_task",
      { task_id: 1, expected_version: "3" },
      { task_id: 1, expected_version: 3 },
    ],
    ["a fraction in a string", "create_task", { title: "a", position: " -2.50" }, { title: "a", position: -2.5 }],
    ["a list in a string", "create_task", { title: "a", tags: '["a","b"]' }, { title: "a", tags: ["a", "b"] }],
    ["text for what has fields", "create_task", { tasks: '[{"title":"a","due":null}]' }, { tasks: [{ title: "a" }] }],
    [
      "one of what has fields",
      "create_task",
      { tasks: { title: "a", position: "2", _meta: {}, subtasks: ['{"title":"b","tags":"c"}'] } },
      { tasks: [{ title: "a", position: 2, subtasks: [{ title: "b", tags: ["c"] }] }] },
    ],
    ["one item for a list", "create_task", { title: "a", tags: "a" }, { title: "a", tags: ["a"] }],
    ["one item for a list of words", "update_task", { task_id: 1, clear: "due" }, { task_id: 1, clear: ["due"] }],
    ["a word in capitals", "create_task", { title: "a", priority: "High" }, { title: "a", priority: "high" }],
    ["words in a list in capitals", "update_task", { task_id: 1, clear: ["Due"] }, { task_id: 1, clear: ["due"] }],
    ["a word with a space", "list_tasks", { status: "In Progress" }, { ...defaults, status: "in_progress" }],
    ["a word with a hyphen", "list_tasks", { status: "in-progress" }, { ...defaults, status: "in_progress" }],
    ["null for optional fields", "create_task", { title: "a", due: null, tags: null }, { title: "a" }],
    ["nothing for optional fields", "create_task", { title: "a", due: "", tags: "", priority: " " }, { title: "a" }],
    [
      "empty filters",
      "list_tasks",
      { search: "", tags: [], due_from: null, limit: "", status: "", cursor: "" },
      defaults,
    ],
    ["an empty list as text", "update_task", { task_id: 1, tags: "[]", clear: "\n[ ]" }, { task_id: 1 }],
    [
      "null as text for a list",
      "update_task",
      { task_id: 1, tags: "null", title: "null" },
      { task_id: 1, title: "null" },
    ],
    ["what nobody sees", "update_task", { task_id: 1, description: "\u200b \u2060" }, { task_id: 1 }],
    ["all of it as text", "get_task", '{"task_id":12}', { task_id: 12 }],
    ["all of it as text of text", "get_task", JSON.stringify('{"task_id":"#12"}'), { task_id: 12 }],
    ["nothing at all", "list_tasks", null, defaults],
    ["nothing as text", "list_tasks", "", defaults],
    [
      "what clients add",
      "get_task",
      { task_id: 1, _meta: {}, toolCallId: "call_1", sessionId: "s", task_progress: "- [ ] look" },
      { task_id: 1 },
    ],
  ])("%s", (_, name, given, meant) => {
    expect(read(name, given)).toEqual(meant);
  });

  test.each(["functions.create_task", "default_api.create_task", " create_task "])("the tool's name: %j", (name) => {
    expect(toolNameOf(name)).toBe("create_task");
  });
});

describe("and nothing is read as something else", () => {
  test.each<[string, string, unknown, string]>([
    ["a number for text", "create_task", { title: 5 }, "title must be a string"],
    ["a truth for text", "create_task", { title: true }, "title must be a string"],
    ["text that is no number", "get_task", { task_id: "twelve" }, "task_id must be a number"],
    ["a number with something before it", "list_tasks", { limit: "#10" }, "limit must be a number"],
    ["a number in another notation", "get_task", { task_id: "0x10" }, "task_id must be a number"],
    ["a number with an exponent", "get_task", { task_id: "1e3" }, "task_id must be a number"],
    ["a fraction", "get_task", { task_id: "1.5" }, "task_id must be a number"],
    ["a fraction with an exponent", "create_task", { title: "a", position: "1e3" }, "position must be a number"],
    ["digits without end", "get_task", { task_id: "9".repeat(500) }, "task_id must be a number"],
    ["an id below one", "get_task", { task_id: "-1" }, "task_id must be a whole number from 1 to 2147483647"],
    ["an id in a list", "get_task", { task_id: [1] }, "task_id must be a number"],
    ["a truth for an id", "get_task", { task_id: true }, "task_id must be a number"],
    [
      "null for what is required",
      "create_task",
      { title: null },
      "title is required, or tasks with at least one in it",
    ],
    [
      "no text for what is required",
      "create_task",
      { title: "" },
      "title is required, or tasks with at least one in it",
    ],
    [
      "another word",
      "create_task",
      { title: "a", priority: "p1" },
      "priority must be one of none, low, medium, high, urgent",
    ],
    ["a list that is no JSON", "create_task", { title: "a", tags: "['a', 'b']" }, "tags must be an array"],
    ["an object for a list", "create_task", { title: "a", tags: { a: 1 } }, "tags must be an array"],
    ["an empty item", "create_task", { title: "a", tags: ["a", ""] }, "tags.1 must be 1 to 50 characters long"],
    ["a list of all", "get_task", [{ task_id: 1 }], "The input must be a JSON object"],
    ["text that is no object", "get_task", '"task 1"', "The input must be a JSON object"],
    [
      "text of text of text",
      "get_task",
      JSON.stringify(JSON.stringify('{"task_id":1}')),
      "The input must be a JSON object",
    ],
    ["text that is nested deep", "get_task", `{"task_id":${"[".repeat(100)}`, "The input must be a JSON object"],
    [
      "a list in text that is nested deep",
      "create_task",
      { title: "a", tags: "[".repeat(100) },
      "tags must be an array",
    ],
    [
      "what a client adds elsewhere",
      "get_task",
      { task_id: 1, action: "x" },
      "Unknown field action. Allowed: task_ids, history, before_change",
    ],
    [
      "an unknown filter, with those that there are",
      "complete_task",
      { match: { limit: 1 }, expect_count: 1 },
      expect.stringMatching(/^Unknown field match\.limit\. Allowed in match: status, priority, /),
    ],
    [
      "an unknown field of one of several, with those that it may have",
      "create_task",
      { title: "a", subtasks: [{ title: "b" }, { title: "c", subtasks: [{ title: "d" }] }] },
      expect.stringMatching(/^Unknown field subtasks\.1\.subtasks\. Allowed in subtasks\.1: title, [a-z_, ]+ tags$/),
    ],
    [
      "the name of a prototype",
      "get_task",
      { task_id: 1, constructor: 1 },
      "Unknown field constructor. Allowed: task_ids, history, before_change",
    ],
    [
      "a prototype",
      "get_task",
      JSON.parse('{"task_id":1,"__proto__":{}}'),
      "Unknown field __proto__. Allowed: task_ids, history, before_change",
    ],
  ])("%s", (_, name, given, message) => {
    expect(refusal(name, given)).toEqual(message);
  });

  test("text that looks like something else stays text", () => {
    const input = { title: "12", description: '{"a":[1]}', tags: ["null", "12"] };
    expect(read("create_task", input)).toEqual(input);
  });

  test.each(["drop.create_task", "create_task.functions.", "functionsXcreate_task"])("another's name: %s", (name) => {
    expect(toolNameOf(name)).not.toBe("create_task");
  });

  test("no tool has a field that clients add to others", () => {
    for (const { name, input } of catalog) {
      for (const added of ["_meta", "toolCallId", "sessionId", "task_progress"]) {
        expect(Object.keys(input.shape), name).not.toContain(added);
      }
    }
  });

  test("what was read is read again as the same", () => {
    const meant = read("create_task", { title: "a", tags: '["#1"]', priority: "HIGH", due: "" });
    expect(read("create_task", meant)).toEqual(meant);
  });
});

describe("one field, one error: the first that matters", () => {
  test.each<[string, string, unknown, string]>([
    ["a long text for a list", "create_task", { title: "a", tags: `[${"x".repeat(30)}` }, "tags must be an array"],
    ["a long word for a number", "get_task", { task_id: "x".repeat(30) }, "task_id must be a number"],
    [
      "two errors of a title",
      "create_task",
      { title: `\0${"x".repeat(300)}` },
      "title must not contain the character U+0000",
    ],
    ["a long e-mail for a day", "create_task", { title: "a", due: "x".repeat(300) }, "due must be a date such as"],
  ])("%s", (_, name, given, message) => {
    expect(refusal(name, given)?.split("; ")).toEqual([expect.stringContaining(message)]);
  });

  test.each([
    ["2026-02-30", "must be a day that exists: there is no 30 February 2026"],
    ["2027-02-29", "must be a day that exists: there is no 29 February 2027"],
    ["1900-02-29", "must be a day that exists: there is no 29 February 1900"],
    ["2026-04-31", "must be a day that exists: there is no 31 April 2026"],
    ["2026-01-00", "must be a day that exists: there is no 0 January 2026"],
    ["2026-13-01", "must be a day that exists: there is no month 13"],
    ["2026-02-30T10:00:00Z", "must be a day that exists: there is no 30 February 2026"],
    ["2026-01-01T24:61:00Z", "must be a time that exists: there is no 24:61:00"],
    ["2026-01-01T23:59:60Z", "must be a time that exists: there is no 23:59:60"],
    ["2026-01-01T10:00:00+25:00", "must have an offset that exists: there is no +25:00"],
  ])("%s", (due, message) => {
    expect(refusal("create_task", { title: "a", due })).toBe(`due ${message}`);
    expect(refusal("update_task", { task_id: 1, due })).toBe(`due ${message}`);
    expect(refusal("list_tasks", { due_before: due, due_from: due })).toBe(
      `due_from ${message}; due_before ${message}`,
    );
  });

  test("a day of a leap year is one", () => {
    expect(read("create_task", { title: "a", due: "2028-02-29" })).toEqual({ title: "a", due: "2028-02-29" });
  });
});

test.each([
  [0, 1, ["a", "b"], "tags must have at most 1 item"],
  [0, 2, ["a", "b", "c"], "tags must have at most 2 items"],
  [1, 2, [], "tags must have at least 1 item"],
])("a list of %i to %i is told how many items it may have", (least, most, tags, message) => {
  const schema = z.strictObject({ tags: z.array(z.string()).min(least).max(most) });
  expect(() => parseInput(schema, { tags })).toThrow(new RegExp(`^${message}$`));
});
