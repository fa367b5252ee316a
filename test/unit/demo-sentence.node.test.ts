import { expect, test } from "vitest";
import { readSentence } from "../../local/demo-sentence.ts";

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
  ["yes", { type: "answer" }],
  ["how are you", { type: "unclear" }],
])("the demo model takes “%s” for what it is", (sentence, wish) => {
  expect(readSentence(sentence)).toEqual(wish);
});
