import { toUiMessages } from "../src/chat/conversation/read-conversation.ts";
import { shortenOutputs } from "../src/chat/conversation/shorten-outputs.ts";
import type { TurnEvent } from "../src/chat/stream/turn-event.ts";

// How much processor time GET /api/conversations/{id} takes for 200 messages, the database's left out: from the rows, as
// JSON, to the answer, as JSON. Each answer has made two calls, one of which lists as many tasks as are kept of it.
//
//   npx node bench/read-conversation.ts [times]

const LIMIT_MILLISECONDS = 100;
const MESSAGES = 200;

const times = Number(process.argv[2] ?? 50);
const tasks = Array.from({ length: 100 }, (_, index) => ({
  id: index + 1,
  title: `Task ${index} of a list that a person has made`,
  status: "pending",
  priority: "high",
  due: "2026-12-05",
  tags: ["groceries", "home"],
  version: 1,
}));
const text = tasks.map(({ id, title }) => `#${id} "${title}" · pending · version 1`).join("\n");
const answer: TurnEvent[] = [
  { type: "round" },
  { type: "reasoning", id: "1.0", text: "The person wants to know what there is." },
  { type: "tool_input", call_id: "a", tool: "list_tasks", input: { limit: 100 }, arguments: '{"limit":100}' },
  { type: "tool_output", call_id: "a", output: { tasks, now: "2026-11-28T09:00:00Z", time_zone: "UTC" }, text },
  { type: "round" },
  { type: "tool_input", call_id: "b", tool: "create_task", input: { title: "Milk" }, arguments: '{"title":"Milk"}' },
  { type: "tool_output", call_id: "b", output: { tasks: tasks.slice(0, 1) }, text: text.split("\n", 1).join("") },
  { type: "round" },
  { type: "text", id: "3.0", text: "I have added it. There are a hundred others, none of them due today. ".repeat(5) },
];
const contents = [
  [{ type: "text", id: "0", text: "Add milk, and what else is there?" }],
  shortenOutputs(answer, "completed"),
];
const kept = JSON.stringify(Array.from({ length: MESSAGES }, (_, index) => contents[index % 2]));

const taken: number[] = [];
let size = 0;
for (let time = 0; time < times; time += 1) {
  const startedAt = process.cpuUsage();
  const read: unknown[] = JSON.parse(kept);
  const rows = read.map((content, index) => ({
    seq: index,
    userId: 1,
    conversationId: "c",
    id: String(index),
    role: index % 2 === 0 ? ("user" as const) : ("assistant" as const),
    content,
    replaced: null,
    outcome: "completed" as const,
    rounds: 3,
    inputTokens: 5000,
    outputTokens: 200,
    createdAt: new Date(),
    updatedAt: new Date(),
  }));
  size = JSON.stringify(toUiMessages(rows, true)).length;
  const { user, system } = process.cpuUsage(startedAt);
  taken.push((user + system) / 1000);
}
taken.sort((one, other) => one - other);
const median = Math.round((taken[Math.floor(taken.length / 2)] ?? Number.NaN) * 10) / 10;
console.log(
  `${MESSAGES} messages, ${Math.round(size / 1024)} KiB: ${median} ms at the median of ${times}, limit ${LIMIT_MILLISECONDS} ms`,
);
if (median > LIMIT_MILLISECONDS) process.exitCode = 1;
