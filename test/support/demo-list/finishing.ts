import { change, misunderstood, type Sentence } from "./end.ts";
import { tasksBefore } from "./list.ts";

/** What completes and deletes tasks, or might. */
export const finishing: readonly Sentence[] = [
  // Completing.
  ["complete milk", change("Milk", { status: "completed" })],
  ["mark the milk and eggs as done", { changed: { Milk: { status: "completed" }, Eggs: { status: "completed" } } }],
  ["mom is done", change("Call mom", { status: "completed" })],
  ["check milk off", change("Milk", { status: "completed" })],
  ["I finished the report", change("Write report", { status: "completed" })],
  ["complete the milk task", change("Milk", { status: "completed" })],
  [
    "complete pay rent, eggs and reply to Bob",
    {
      changed: {
        "Pay rent": { status: "completed" },
        Eggs: { status: "completed" },
        "Reply to Bob": { status: "completed" },
      },
    },
  ],
  ["complete everything in groceries", { changed: { Milk: { status: "completed" }, Eggs: { status: "completed" } } }],
  [
    "complete all overdue tasks",
    { changed: { "Write report": { status: "completed" }, Standup: { status: "completed" } } },
  ],
  [
    "complete all tasks tagged work",
    { changed: { "Write report": { status: "completed" }, Standup: { status: "completed" } } },
  ],
  ["set milk to done", change("Milk", { status: "completed" })],
  [
    "complete call",
    { answer: /^\[demo model\]\nWhich “call” do you mean\?.*\n#\d+ "?Call mom.*\n#\d+ "?Call the bank.*$/ },
  ],
  ["complete ilk", { answer: /no task “ilk”/ }],
  ["complete bread", { answer: /no task “bread”/ }],
  ["complete eggs in farm", { answer: /no task “eggs” in farm/ }],
  ["complete everything but milk", misunderstood("but")],
  ["complete milk or eggs", misunderstood("or")],
  ["complete 5 tasks", misunderstood("5 tasks")],
  ["complete my tasks", misunderstood("my tasks")],
  ["I did the first two", misunderstood("the first two")],
  ["complete a task", misunderstood("a task")],
  ["complete it", misunderstood("it")],
  ["should I complete milk?", misunderstood("should I complete milk")],
  // Deleting.
  ["delete eggs", { deleted: ["Eggs"] }],
  ["delete eggs from groceries", { deleted: ["Eggs"] }],
  ["remove milk and eggs from my list", { deleted: ["Milk", "Eggs"] }],
  ["delete all completed", { deleted: ["Oat milk"] }],
  ["delete completed tasks", { deleted: ["Oat milk"] }],
  ["delete everything in groceries", { deleted: ["Milk", "Eggs"] }],
  ["delete all tasks", { deleted: tasksBefore.map(({ title }) => title) }],
  ['delete "reply"', { answer: /no task “reply”\. Do you mean this one/ }],
  ["don't delete milk", misunderstood("don't delete milk")],
  ["delete tasks", misunderstood("tasks")],
];
