import { day, weekday } from "./clock.ts";
import { add, change, type End, list, misunderstood, open } from "./end.ts";

const done = { status: "completed" };
const gym = `FREQ=WEEKLY;INTERVAL=2;BYDAY=${weekday.byDay}`;

/** Titles that make an answer too long to be shown whole in later turns. */
const LONG = Array.from(
  { length: 5 },
  (_, index) => `A title of many words, which is number ${index}, ${"and goes on ".repeat(5)}`,
);

/** What a person says in one conversation, and how it ends. */
export const dialogues: readonly (readonly [said: readonly string[], end: End])[] = [
  [["complete call", "the first one"], change("Call mom", { status: "completed" })],
  [["complete call", "the second"], change("Call the bank", { status: "completed" })],
  [["complete call", "mom"], change("Call mom", { status: "completed" })],
  [
    ["complete call", "both"],
    { changed: { "Call mom": { status: "completed" }, "Call the bank": { status: "completed" } } },
  ],
  [["complete call", "never mind"], { answer: /leave everything/ }],
  [["complete call", "yes", "the first"], change("Call mom", { status: "completed" })],
  [["complete call", "the fifth"], misunderstood("the fifth")],
  [["complete call", "show my groceries list"], list("Milk", "Eggs")],
  [["move call to in 3 days", "the last one"], change("Call the bank", { due: day(3) })],
  [
    ["complete call and milk", "the first"],
    { changed: { "Call mom": { status: "completed" }, Milk: { status: "completed" } } },
  ],
  [["milk is blocked by call", "the first"], change("Milk", { blocked_by: ["Call mom"] })],
  [["milk is blocked by eggs", "it depends on call mom"], change("Milk", { blocked_by: ["Call mom", "Eggs"] })],
  [["add paint under call", "the second"], add("Paint", { parent: "Call the bank" })],
  [
    [`add gym every 2 weeks on ${weekday.name}`, "complete it"],
    {
      added: [
        { title: "Gym", due: day(weekday.in), recurrence: gym, ...done },
        { title: "Gym", due: day(weekday.in + 14), recurrence: gym },
      ],
    },
  ],
  [["complete ilk", "yes"], change("Milk", { status: "completed" })],
  [['complete "bank"', "yes"], change("Call the bank", { status: "completed" })],
  [['complete "bank"', "no"], { answer: /leave everything/ }],
  [["postpone call mom", "to in 3 days"], change("Call mom", { due: day(3) })],
  [["postpone call mom", "by a week"], change("Call mom", { due: day(8) })],
  [["postpone call mom to next week", "tomorrow at 5pm"], change("Call mom", { due: `${day(1)} 17:00` })],
  [["put call mom off", "in 3 days"], change("Call mom", { scheduled: day(3) })],
  [["postpone call", "the second", "tomorrow"], change("Call the bank", { due: day(1) })],
  [["postpone call mom", "ja", "in 3 days"], change("Call mom", { due: day(3) })],
  [["postpone the unknown"], { answer: /I find no task “unknown”/ }],
  [["postpone call mom", "whenever"], { answer: /did not understand “whenever”.* To which day/ }],
  [["show my groceries list", "complete the second one"], change("Eggs", { status: "completed" })],
  [["show my groceries list", "I did the first two"], { changed: { Milk: done, Eggs: done }, answer: /· change \d+$/ }],
  [["show my groceries list", "I did the second and the third"], misunderstood("the second and the third")],
  [["show my groceries list", "delete them"], { deleted: ["Milk", "Eggs"] }],
  [["show my groceries list", "complete it"], misunderstood("it")],
  [["find bank", "complete it"], change("Call the bank", { status: "completed" })],
  [["add bread", "rename it to rye bread"], add("Rye bread")],
  [["delete eggs", "yes"], { deleted: ["Eggs"], answer: /Nothing is waiting/ }],
  [
    ["mark everything as done", "yes"],
    {
      changed: Object.fromEntries(open.map((title) => [title, done])),
      answer: /^\[demo model\] Nothing is waiting[^\n]*$/,
    },
  ],
  [["undo changes 901 and 902", "show my groceries list", "yes"], { answer: /Nothing is waiting/ }],
  [["complete call", "show my groceries list", "Ja"], { answer: /“complete call” no longer counts/ }],
  [["complete ilk", "Ja"], change("Milk", { status: "completed" })],
  [["complete ilk", "nein"], { answer: /leave everything/ }],
  [[`add ${LONG.map((title) => `"${title}"`).join(", ")}`, "undo that"], { answer: /^Undid change /m }],
];
