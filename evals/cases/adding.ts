import { inWords } from "../days.ts";
import { calls, type EvalCase, idOf, says } from "../eval-case.ts";

const SHOPPING =
  "apples, lentils, oat milk, candles, dish soap, rice, olive oil, oranges, salt, string, toothpaste, walnuts".split(
    ", ",
  );

/** New tasks: just those that were named, with just what was said of them. */
export const adding: readonly EvalCase[] = [
  {
    name: "add-one",
    timeZone: "UTC",
    story: () => ({
      tasks: [{ title: "Buy bread" }],
      turns: [
        {
          person: "add buy milk",
          model: [calls(["create_task", { title: "Buy milk" }]), says("Added “Buy milk”.")],
          end: { added: [{ title: /milk/i }] },
        },
      ],
    }),
  },
  {
    name: "add-several-with-a-tag",
    timeZone: "Europe/London",
    story: () => ({
      tasks: [{ title: "Buy stamps", tags: ["post"] }],
      turns: [
        {
          person: "Add milk, eggs and bread, all tagged groceries",
          model: [
            calls([
              "create_task",
              { tasks: ["Milk", "Eggs", "Bread"].map((title) => ({ title, tags: ["groceries"] })) },
            ]),
            says("Added three tasks."),
          ],
          end: {
            added: [/milk/i, /eggs/i, /bread/i].map((title) => ({ title, tags: ["groceries"] })),
          },
        },
      ],
    }),
  },
  {
    name: "add-a-shopping-list",
    timeZone: "UTC",
    story: () => ({
      tasks: [],
      turns: [
        {
          person: `Please make a task of each of these:\n${SHOPPING.map((thing) => `- ${thing}`).join("\n")}`,
          model: [calls(["create_task", { tasks: SHOPPING.map((title) => ({ title })) }]), says("Added all twelve.")],
          end: { added: SHOPPING.map((thing) => ({ title: new RegExp(thing, "i") })) },
        },
      ],
    }),
  },
  {
    name: "add-for-tomorrow",
    timeZone: "Pacific/Kiritimati",
    story: (days) => ({
      tasks: [],
      turns: [
        {
          person: "I have to call the dentist tomorrow",
          model: [calls(["create_task", { title: "Call the dentist", due: days.day(1) }]), says("Noted for tomorrow.")],
          end: { added: [{ title: /dentist/i, due: days.day(1) }] },
        },
      ],
    }),
  },
  {
    name: "add-for-a-time",
    timeZone: "Asia/Kathmandu",
    story: (days) => ({
      tasks: [],
      turns: [
        {
          person: "new task: video call with Mum tomorrow at quarter past nine in the morning",
          model: [
            calls(["create_task", { title: "Video call with Mum", due: days.at(1, "09:15") }]),
            says("Tomorrow at 9:15."),
          ],
          end: { added: [{ title: /mum/i, due: days.at(1, "09:15") }] },
        },
      ],
    }),
  },
  {
    name: "add-for-a-weekday",
    timeZone: "America/New_York",
    story: (days) => ({
      tasks: [],
      turns: [
        {
          person: `Remember: hand in the expenses this coming ${days.weekday(4)}`,
          model: [calls(["create_task", { title: "Hand in the expenses", due: days.day(4) }]), says("Added.")],
          end: { added: [{ title: /expenses/i, due: days.day(4) }] },
        },
      ],
    }),
  },
  {
    name: "add-in-two-weeks",
    timeZone: "Europe/London",
    story: (days) => ({
      tasks: [],
      turns: [
        {
          person: "I need to check on the visa two weeks from today, put it on my list with high priority",
          model: [
            calls(["create_task", { title: "Check on the visa", due: days.day(14), priority: "high" }]),
            says("Added."),
          ],
          end: { added: [{ title: /visa/i, due: days.day(14), priority: "high" }] },
        },
      ],
    }),
  },
  {
    name: "add-for-the-end-of-next-month",
    timeZone: "UTC",
    story: (days) => ({
      tasks: [],
      turns: [
        {
          person: "Add: cancel the gym, due on the last day of next month",
          model: [calls(["create_task", { title: "Cancel the gym", due: days.lastOfMonth(1) }]), says("Added.")],
          end: { added: [{ title: /gym/i, due: days.lastOfMonth(1) }] },
        },
      ],
    }),
  },
  {
    name: "add-across-a-clock-change",
    timeZone: "Europe/London",
    story: (days) => {
      const day = days.clockChange() + 1;
      return {
        tasks: [],
        turns: [
          {
            person: `Add a call with the Lisbon office on ${inWords(days.day(day))} at 14:30`,
            model: [
              calls(["create_task", { title: "Call the Lisbon office", due: days.at(day, "14:30") }]),
              says("Added."),
            ],
            end: { added: [{ title: /lisbon/i, due: days.at(day, "14:30") }] },
          },
        ],
      };
    },
  },
  {
    name: "add-with-an-estimate",
    timeZone: "UTC",
    story: () => ({
      tasks: [],
      turns: [
        {
          person: "Put “write the newsletter” on my list, I guess it takes an hour and a half",
          model: [calls(["create_task", { title: "Write the newsletter", estimate_minutes: 90 }]), says("Added.")],
          end: { added: [{ title: /newsletter/i, estimate_minutes: 90 }] },
        },
      ],
    }),
  },
  {
    name: "add-for-later",
    timeZone: "Europe/Berlin",
    story: (days) => ({
      tasks: [],
      turns: [
        {
          person: `Add “prune the roses”, but I can't start before ${inWords(days.day(20))}`,
          model: [calls(["create_task", { title: "Prune the roses", scheduled: days.day(20) }]), says("Added.")],
          end: { added: [{ title: /roses/i, scheduled: days.day(20) }] },
        },
      ],
    }),
  },
  {
    name: "add-with-notes",
    timeZone: "UTC",
    story: () => ({
      tasks: [],
      turns: [
        {
          person: "add a task to order a cake; note down that it must be gluten-free and serve twelve",
          model: [
            calls(["create_task", { title: "Order a cake", description: "Gluten-free, serves twelve." }]),
            says("Added."),
          ],
          end: { added: [{ title: /cake/i, description: /gluten[- ]free.*(twelve|12)/is }] },
        },
      ],
    }),
  },
  {
    name: "add-with-subtasks",
    timeZone: "UTC",
    story: () => ({
      tasks: [{ title: "Bake a cake" }],
      turns: [
        {
          person: "Add a task “Plan the party” with the subtasks invite the guests, order the food and book a band",
          model: [
            calls([
              "create_task",
              {
                title: "Plan the party",
                subtasks: ["Invite the guests", "Order the food", "Book a band"].map((title) => ({ title })),
              },
            ]),
            says("Added, with three subtasks."),
          ],
          end: {
            added: [
              { title: /party/i },
              ...[/guests/i, /food/i, /band/i].map((title) => ({ title, parent_id: idOf(/plan the party/i) })),
            ],
          },
        },
      ],
    }),
  },
  {
    name: "add-a-subtask",
    timeZone: "UTC",
    story: () => ({
      tasks: [{ title: "Move house" }, { title: "Pack the books", parent_id: 1 }, { title: "Sell the house" }],
      turns: [
        {
          person: "Under “Move house”, also add: hire a van",
          model: [
            calls(["list_tasks", { search: "move house" }]),
            calls(["create_task", { title: "Hire a van", parent_id: 1 }]),
            says("Added under “Move house”."),
          ],
          end: { added: [{ title: /van/i, parent_id: 1 }] },
        },
      ],
    }),
  },
];
