import { calls, type EvalCase, says } from "../eval-case.ts";

/** What is done, given up, deleted or undone. */
export const finishing: readonly EvalCase[] = [
  {
    name: "complete-one",
    timeZone: "UTC",
    story: () => ({
      tasks: [{ title: "Pay the rent" }, { title: "Pay the gardener" }],
      turns: [
        {
          person: "rent is paid",
          model: [
            calls(["list_tasks", { search: "rent" }]),
            calls(["complete_task", { task_id: 1 }]),
            says("Marked as done."),
          ],
          end: { changed: { 1: { status: "completed" } } },
        },
      ],
    }),
  },
  {
    name: "i-did-the-first-two",
    timeZone: "Europe/London",
    story: (days) => ({
      tasks: [
        { title: "Feed the cat", due: days.day(3) },
        { title: "Book the ferry", due: days.day(1) },
        { title: "Iron the shirts", due: days.day(2) },
        { title: "Weed the beds", due: days.day(4) },
      ],
      turns: [
        {
          person: "List my tasks, the soonest first",
          model: [calls(["list_tasks", {}]), "tells"],
          end: { says: [/ferry.*shirts.*cat.*beds/is] },
        },
        {
          person: "I did the first two",
          model: [calls(["complete_task", { task_ids: [2, 3] }]), says("Two tasks are done.")],
          end: { changed: { 2: { status: "completed" }, 3: { status: "completed" } } },
        },
      ],
    }),
  },
  {
    name: "all-but-one-are-done",
    timeZone: "UTC",
    story: () => ({
      tasks: [{ title: "Set the table" }, { title: "Bake the bread" }, { title: "Chill the wine" }],
      turns: [
        {
          person: "Everything on the list is done, except for the bread",
          model: [
            calls(["list_tasks", {}]),
            calls(["complete_task", { task_ids: [1, 3] }]),
            says("Done, all but the bread."),
          ],
          end: { changed: { 1: { status: "completed" }, 3: { status: "completed" } } },
        },
      ],
    }),
  },
  {
    name: "all-of-a-tag-are-done",
    timeZone: "UTC",
    story: () => ({
      tasks: [
        { title: "Shampoo", tags: ["chemist"] },
        { title: "Batteries", tags: ["hardware"] },
        { title: "Plasters", tags: ["Chemist"] },
        { title: "Go to the chemist's party" },
      ],
      turns: [
        {
          person: "I got everything tagged chemist",
          model: [
            calls(["list_tasks", { tags: ["chemist"] }]),
            calls(["complete_task", { match: { tags: ["chemist"] }, expect_count: 2 }]),
            says("Both are done."),
          ],
          end: { changed: { 1: { status: "completed" }, 3: { status: "completed" } } },
        },
      ],
    }),
  },
  {
    name: "reopen",
    timeZone: "UTC",
    story: () => ({
      tasks: [{ title: "Mend the gate" }, { title: "Oil the gate", status: "completed" }],
      history: [["complete_task", { task_id: 1 }]],
      turns: [
        {
          person: "Mending the gate isn't finished after all, put it back on my list",
          model: [
            calls(["list_tasks", { search: "gate", status: "completed" }]),
            calls(["update_task", { task_id: 1, status: "pending" }]),
            says("It is open again."),
          ],
          end: { changed: { 1: { status: "pending" } } },
        },
      ],
    }),
  },
  {
    name: "give-up-a-task",
    timeZone: "UTC",
    story: () => ({
      tasks: [{ title: "Learn Esperanto" }, { title: "Learn to juggle" }],
      turns: [
        {
          person: "I've given up on Esperanto, mark it as cancelled",
          model: [
            calls(["list_tasks", { search: "Esperanto" }]),
            calls(["update_task", { task_id: 1, status: "cancelled" }]),
            says("Cancelled."),
          ],
          end: { changed: { 1: { status: "cancelled" } } },
        },
      ],
    }),
  },
  {
    name: "delete-after-a-yes",
    timeZone: "UTC",
    story: () => ({
      tasks: [{ title: "Buy a kayak" }, { title: "Buy a paddle" }],
      turns: [
        {
          person: "delete the kayak task",
          model: [calls(["list_tasks", { search: "kayak" }]), calls(["delete_task", { task_id: 1 }]), says("Deleted.")],
          end: { gone: [1] },
        },
      ],
    }),
  },
  {
    name: "delete-after-a-no",
    timeZone: "UTC",
    story: () => ({
      tasks: [{ title: "Buy a kayak" }, { title: "Buy a paddle" }],
      turns: [
        {
          person: "throw the kayak task away",
          approves: false,
          model: [
            calls(["list_tasks", { search: "kayak" }]),
            calls(["delete_task", { task_id: 1 }]),
            says("Very well, it stays."),
          ],
          end: {},
        },
      ],
    }),
  },
  {
    name: "take-it-back",
    timeZone: "Europe/London",
    story: (days) => ({
      tasks: [{ title: "Call the vet", due: days.day(2), priority: "high" }, { title: "Call the bank" }],
      turns: [
        {
          person: "the vet is done",
          model: [calls(["list_tasks", { search: "vet" }]), calls(["complete_task", { task_id: 1 }]), says("Done.")],
          end: { changed: { 1: { status: "completed" } } },
        },
        {
          person: "Oh no, that was a mistake. Undo that!",
          model: [calls(["update_task", { undo: 3 }]), says("It is open again.")],
          end: {},
        },
      ],
    }),
  },
  {
    name: "bring-back-what-was-deleted",
    timeZone: "UTC",
    story: (days) => ({
      tasks: [{ title: "Book the flights", due: days.day(9), tags: ["trip"] }, { title: "Pack" }],
      turns: [
        {
          person: "Please delete “Book the flights”",
          model: [
            calls(["list_tasks", { search: "flights" }]),
            calls(["delete_task", { task_id: 1 }]),
            says("Deleted."),
          ],
          end: { gone: [1] },
        },
        {
          person: "Wait, I want it back",
          model: [calls(["update_task", { undo: 3 }]), says("It is back.")],
          end: {},
        },
      ],
    }),
  },
];
