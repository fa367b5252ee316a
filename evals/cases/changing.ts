import { between, calls, type EvalCase, says } from "../eval-case.ts";

/** Changes of what tasks are, their dates apart: of those that were meant, in what was said, and no others. */
export const changing: readonly EvalCase[] = [
  {
    name: "rename",
    timeZone: "UTC",
    story: (days) => ({
      tasks: [{ title: "Call Jon", due: days.day(2), tags: ["phone"] }, { title: "Call Joan" }],
      turns: [
        {
          person: "It's spelled Jonathan, not Jon: rename that task to “Call Jonathan”",
          model: [
            calls(["list_tasks", { search: "Jon" }]),
            calls(["update_task", { task_id: 1, title: "Call Jonathan" }]),
            says("Renamed."),
          ],
          end: { changed: { 1: { title: "Call Jonathan" } } },
        },
      ],
    }),
  },
  {
    name: "start-a-task",
    timeZone: "UTC",
    story: () => ({
      tasks: [{ title: "Draft the proposal" }, { title: "Review the budget" }],
      turns: [
        {
          person: "I've started on the proposal",
          model: [
            calls(["list_tasks", { search: "proposal" }]),
            calls(["update_task", { task_id: 1, status: "in_progress" }]),
            says("It is in progress."),
          ],
          end: { changed: { 1: { status: "in_progress" } } },
        },
      ],
    }),
  },
  {
    name: "raise-a-priority",
    timeZone: "UTC",
    story: () => ({
      tasks: [{ title: "Back up the laptop", priority: "low", tags: ["computer"] }, { title: "Back up the phone" }],
      turns: [
        {
          person: "backing up the laptop just became urgent",
          model: [
            calls(["list_tasks", { search: "laptop" }]),
            calls(["update_task", { task_id: 1, priority: "urgent" }]),
            says("It is urgent now."),
          ],
          end: { changed: { 1: { priority: "urgent" } } },
        },
      ],
    }),
  },
  {
    name: "put-one-above-another",
    timeZone: "UTC",
    story: () => ({
      tasks: [{ title: "Fix the roof" }, { title: "Fix the fence" }, { title: "Fix the swing" }],
      turns: [
        {
          person: "In my own order, put the swing between the roof and the fence",
          model: [
            calls(["list_tasks", { order: "position" }]),
            calls(["update_task", { task_id: 3, position: 1.5 }]),
            says("It stands between them now."),
          ],
          end: { changed: { 3: { position: between(1, 2) } } },
        },
      ],
    }),
  },
  {
    name: "change-an-estimate",
    timeZone: "UTC",
    story: () => ({
      tasks: [
        { title: "Index the archive", estimate_minutes: 120 },
        { title: "Shred the archive", estimate_minutes: 30 },
      ],
      turns: [
        {
          person: "Indexing the archive will take four hours rather than two",
          model: [
            calls(["list_tasks", { search: "index archive" }]),
            calls(["update_task", { task_id: 1, estimate_minutes: 240 }]),
            says("Four hours it is."),
          ],
          end: { changed: { 1: { estimate_minutes: 240 } } },
        },
      ],
    }),
  },
  {
    name: "add-and-take-off-tags",
    timeZone: "UTC",
    story: () => ({
      tasks: [
        { title: "Test the alarm", tags: ["house", "boring"] },
        { title: "Test the torch", tags: ["house"] },
        { title: "Test the boat", tags: ["boring", "water"] },
      ],
      turns: [
        {
          person: "Tag the alarm and the torch with safety, and take the tag boring off wherever it is",
          model: [
            calls(["list_tasks", {}]),
            calls(
              ["update_task", { task_ids: [1, 2], add_tags: ["safety"] }],
              ["update_task", { task_ids: [1, 3], remove_tags: ["boring"] }],
            ),
            says("Tagged."),
          ],
          end: {
            changed: { 1: { tags: ["house", "safety"] }, 2: { tags: ["house", "safety"] }, 3: { tags: ["water"] } },
          },
        },
      ],
    }),
  },
  {
    name: "append-to-the-notes",
    timeZone: "UTC",
    story: () => ({
      tasks: [
        { title: "Choose a school", description: "North Street: visited, **friendly**." },
        { title: "Choose a bus", description: "Line 4." },
      ],
      turns: [
        {
          person: "Add to the notes about the school: South Street has a waiting list",
          model: [
            calls(["list_tasks", { search: "school" }]),
            calls(["update_task", { task_id: 1, append: "South Street: has a waiting list." }]),
            says("Noted."),
          ],
          end: {
            changed: { 1: { description: /North Street: visited, \*\*friendly\*\*\..*South Street.*waiting list/is } },
          },
        },
      ],
    }),
  },
];
