import { expect, test } from "vitest";
import { nextOutput } from "../../local/demo-answer.ts";
import { readSentence } from "../../local/demo-sentence.ts";
import type { InputItem } from "../../local/responses-api.ts";

test.each([
  ["add milk, eggs and bread to groceries", { type: "add", titles: ["Milk", "Eggs", "Bread"], list: "groceries" }],
  ["Please add “call Ada” to my list.", { type: "add", titles: ["Call Ada"], list: undefined }],
  ["create a task: pay rent", { type: "add", titles: ["Pay rent"], list: undefined }],
  ["remind me to water the plants", { type: "add", titles: ["Water the plants"], list: undefined }],
  ["show my tasks", { type: "list", status: "open", list: undefined }],
  ["List my tasks", { type: "list", status: "open", list: undefined }],
  ["What's on my groceries list?", { type: "list", status: "open", list: "groceries" }],
  ["show completed tasks", { type: "list", status: "completed", list: undefined }],
  ["show everything", { type: "list", status: "all", list: undefined }],
  ["complete milk", { type: "complete", names: ["milk"] }],
  ["mark the milk and eggs as done", { type: "complete", names: ["milk", "eggs"] }],
  ["Could you please finish task #12?", { type: "complete", names: ["#12"] }],
  ["milk is done", { type: "complete", names: ["milk"] }],
  ["rename milk to oat milk", { type: "rename", name: "milk", title: "Oat milk" }],
  ["delete eggs", { type: "delete", names: ["eggs"] }],
  ["remove all my tasks", { type: "delete", names: "all" }],
  ["create a task to buy milk", { type: "add", titles: ["Buy milk"], list: undefined }],
  ["add a task to call mom and dad", { type: "add", titles: ["Call mom and dad"], list: undefined }],
  ["create a task called buy milk", { type: "add", titles: ["Buy milk"], list: undefined }],
  [
    'create a task named "buy milk, eggs" in my shopping list',
    { type: "add", titles: ["Buy milk, eggs"], list: "shopping" },
  ],
  ["add a reminder to call mom", { type: "add", titles: ["Call mom"], list: undefined }],
  ['add "salt and pepper" to groceries', { type: "add", titles: ["Salt and pepper"], list: "groceries" }],
  [
    "add 'reply to Bob', milk and “tea & sugar”",
    { type: "add", titles: ["Reply to Bob", "Milk", "Tea & sugar"], list: undefined },
  ],
  ["add two tasks: milk and eggs", { type: "add", titles: ["Milk", "Eggs"], list: undefined }],
  ["add task milk to groceries", { type: "add", titles: ["Milk"], list: "groceries" }],
  ["show all open tasks", { type: "list", status: "open", list: undefined }],
  ["which tasks are due today?", { type: "list", status: "open", due: "today", list: undefined }],
  ["show overdue tasks", { type: "list", status: "open", due: "overdue", list: undefined }],
  ["what is due tomorrow?", { type: "list", status: "open", due: "tomorrow", list: undefined }],
  ["show unfinished tasks", { type: "list", status: "open", list: undefined }],
  ["which tasks are not done yet?", { type: "list", status: "open", list: undefined }],
  ["show in progress tasks", { type: "list", status: "in_progress", list: undefined }],
  ["show task 3", { type: "get", id: 3 }],
  ["show me task #3", { type: "get", id: 3 }],
  ["mark milk done", { type: "complete", names: ["milk"] }],
  ["mark milk complete", { type: "complete", names: ["milk"] }],
  ["mark milk as done", { type: "complete", names: ["milk"] }],
  ["check milk off", { type: "complete", names: ["milk"] }],
  ["complete the milk task", { type: "complete", names: ["milk"] }],
  ["complete tasks 3, 4 and 5", { type: "complete", names: ["3", "4", "5"] }],
  ["complete all tasks", { type: "complete", names: "all" }],
  ["delete the eggs task", { type: "delete", names: ["eggs"] }],
  ["delete eggs from groceries", { type: "delete", names: ["eggs"], list: "groceries" }],
  ["remove eggs from my list", { type: "delete", names: ["eggs"] }],
  ['delete "letter from Bob"', { type: "delete", names: ["letter from Bob"] }],
  ["yes", { type: "answer" }],
  ["how are you", { type: "unclear" }],
])("the demo model takes “%s” for what it is", (sentence, wish) => {
  expect(readSentence(sentence)).toEqual(wish);
});

/** What the demo model does next, after these calls and what came of them. */
function next(sentence: string, ...outputs: string[]) {
  const input: InputItem[] = [{ role: "user", content: sentence }];
  for (const [index, output] of outputs.entries()) {
    const [last] = next(sentence, ...outputs.slice(0, index)).calls;
    const call_id = String(index);
    input.push({ type: "function_call", call_id, name: last?.name ?? "", arguments: "{}" });
    input.push({ type: "function_call_output", call_id, output });
  }
  const instructions = "Now it is Wednesday, 2026-11-25T16:00+01:00.";
  const answer = nextOutput({ model: "demo", instructions, input, tools: [], stream: true });
  return {
    words: answer.flatMap((item) => (item.type === "text" ? [item.text] : [])).join("\n"),
    calls: answer.flatMap((item) =>
      item.type === "call" ? [{ name: item.name, input: JSON.parse(item.arguments) satisfies unknown }] : [],
    ),
  };
}

test("the demo model lists by the day that it is where the person is", () => {
  expect(next("which tasks are due today?").calls).toEqual([
    { name: "list_tasks", input: { status: "open", due_from: "2026-11-25", due_before: "2026-11-26" } },
  ]);
  expect(next("show overdue tasks").calls).toEqual([
    { name: "list_tasks", input: { status: "open", due_before: "2026-11-25" } },
  ]);
});

test("the demo model finds a task by its number, however long the list is", () => {
  expect(next("complete task 63").calls).toEqual([{ name: "get_task", input: { task_id: 63 } }]);
  expect(next("complete task 63", '#63 "Milk" · pending · tags "groceries" · version 1\n> Two bottles').calls).toEqual([
    { name: "complete_task", input: { task_id: 63 } },
  ]);
  expect(next("complete task 63", "Error: Task not found").words).toContain("no task “63”");
  expect(next("show task 3").calls).toEqual([{ name: "get_task", input: { task_id: 3 } }]);
});

test("the demo model looks in the list that is named, and takes a title for a title", () => {
  const eggs = '#1 "Eggs" · pending · tags "groceries" · version 1\n#2 "Eggs" · pending · tags "farm" · version 1';
  expect(next("delete eggs from groceries").calls).toEqual([
    { name: "list_tasks", input: { status: "all", search: "eggs" } },
  ]);
  expect(next("delete eggs from groceries", eggs).calls).toEqual([{ name: "delete_task", input: { task_id: 1 } }]);
  expect(next("delete eggs from work", eggs).words).toContain("no task “eggs” in work");
  expect(next("delete letter from Bob", '#3 "Letter from Bob" · pending · version 1').calls).toEqual([
    { name: "delete_task", input: { task_id: 3 } },
  ]);
});

test("the demo model reads every page of all tasks, and says how many it leaves", () => {
  const page = (from: number) =>
    Array.from({ length: 100 }, (_, index) => `#${from + index} "Task" · pending · version 1`).join("\n");
  const first = `${page(1)}\nThere are more: cursor abc`;
  expect(next("delete all my tasks").calls).toEqual([{ name: "list_tasks", input: { status: "all", limit: 100 } }]);
  expect(next("delete all my tasks", first).calls).toEqual([
    { name: "list_tasks", input: { status: "all", limit: 100, cursor: "abc" } },
  ]);
  const { words, calls } = next("delete all my tasks", first, '#101 "Last" · pending · version 1');
  expect(calls).toHaveLength(100);
  expect(calls.every(({ name }) => name === "delete_task")).toBe(true);
  expect(words).toContain("1 remain");
  expect(next("delete all my tasks", '#1 "Only" · pending · version 1').words).not.toContain("remain");
});
