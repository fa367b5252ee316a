import { between, calls, type EvalCase, says, type ToolCall } from "../eval-case.ts";

/** Changes of tasks that are there: those that were meant, in what was said, and no others. */
export const changing: readonly EvalCase[] = [
  {
    name: "move-everything-of-a-day",
    timeZone: "Europe/London",
    story: (days) => ({
      tasks: [
        { title: "Prepare the slides", due: days.day(3) },
        { title: "Book the room", due: days.day(3) },
        { title: "Print the badges", due: days.day(3), status: "in_progress" },
        { title: "Pay the deposit", due: days.day(2) },
        { title: "Send the invitations", due: days.day(4) },
        { title: "Choose a menu", due: days.day(3), status: "completed" },
      ],
      turns: [
        {
          person: `move everything due ${days.weekday(3)} to ${days.weekday(6)}`,
          model: [
            calls(["list_tasks", { due_from: days.day(3), due_before: days.day(4) }]),
            calls(["update_task", { task_ids: [1, 2, 3], due: days.day(6) }]),
            says("Moved three tasks."),
          ],
          end: { changed: { 1: { due: days.day(6) }, 2: { due: days.day(6) }, 3: { due: days.day(6) } } },
        },
      ],
    }),
  },
  {
    name: "move-one-to-a-time",
    timeZone: "America/New_York",
    story: (days) => ({
      tasks: [
        { title: "Dentist", due: days.at(2, "10:00") },
        { title: "Optician", due: days.at(2, "11:00") },
      ],
      turns: [
        {
          person: "the dentist moved to three in the afternoon, same day",
          model: [
            calls(["list_tasks", { search: "dentist" }]),
            calls(["update_task", { task_id: 1, due: days.at(2, "15:00") }]),
            says("Moved to 15:00."),
          ],
          end: { changed: { 1: { due: days.at(2, "15:00") } } },
        },
      ],
    }),
  },
  {
    name: "put-off-by-a-week",
    timeZone: "Pacific/Kiritimati",
    story: (days) => ({
      tasks: [
        { title: "Renew the insurance", due: days.day(5) },
        { title: "Renew the passport", due: days.day(5) },
      ],
      turns: [
        {
          person: "put the insurance off by a week",
          model: [
            calls(["list_tasks", { search: "insurance" }]),
            calls(["update_task", { task_id: 1, due: days.day(12) }]),
            says("Put off by a week."),
          ],
          end: { changed: { 1: { due: days.day(12) } } },
        },
      ],
    }),
  },
  {
    name: "take-a-date-away",
    timeZone: "UTC",
    story: (days) => ({
      tasks: [
        { title: "Sort the garage", due: days.day(1), priority: "low" },
        { title: "Sort the post", due: days.day(1) },
      ],
      turns: [
        {
          person: "The garage has no deadline any more",
          model: [
            calls(["list_tasks", { search: "garage" }]),
            calls(["update_task", { task_id: 1, clear: ["due"] }]),
            says("It has no date any more."),
          ],
          end: { changed: { 1: { due: null } } },
        },
      ],
    }),
  },
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
    name: "change-many-after-a-yes",
    timeZone: "Europe/London",
    story: (days) => ({
      tasks: [
        ...["Vacuum", "Dust the shelves", "Mop the floor", "Clean the windows", "Scrub the bath", "Beat the rugs"].map(
          (title) => ({ title, tags: ["cleaning"], due: days.today }),
        ),
        { title: "Ring the plumber", due: days.today },
      ],
      turns: [
        {
          person: "I won't get to the cleaning today. Move all of it to tomorrow.",
          model: [
            calls(["list_tasks", { tags: ["cleaning"] }]),
            calls(["update_task", { task_ids: [1, 2, 3, 4, 5, 6], due: days.day(1) }]),
            says("Moved all six."),
          ],
          end: {
            changed: Object.fromEntries([1, 2, 3, 4, 5, 6].map((id) => [id, { due: days.day(1) }])),
          },
        },
      ],
    }),
  },
  {
    name: "change-many-after-a-no",
    timeZone: "Europe/London",
    story: (days) => ({
      tasks: [
        "Vacuum",
        "Dust the shelves",
        "Mop the floor",
        "Clean the windows",
        "Scrub the bath",
        "Beat the rugs",
      ].map((title) => ({ title, due: days.today })),
      turns: [
        {
          person: "Move every single task to tomorrow.",
          approves: false,
          model: [
            calls(["list_tasks", {}]),
            calls(...[1, 2, 3, 4, 5, 6].map((id): ToolCall => ["update_task", { task_id: id, due: days.day(1) }])),
            says("I left them as they were."),
          ],
          end: {},
        },
      ],
    }),
  },
  {
    name: "overdue-to-today",
    timeZone: "Asia/Kathmandu",
    story: (days) => ({
      tasks: [
        { title: "Write to the tenants", due: days.day(-3) },
        { title: "Check the meters", due: days.day(-1), priority: "high" },
        { title: "Paint the stairs", due: days.day(2) },
        { title: "Oil the hinges" },
      ],
      turns: [
        {
          person: "Whatever is overdue: make it due today",
          model: [
            calls(["list_tasks", { status: "overdue" }]),
            calls(["update_task", { task_ids: [1, 2], due: days.today }]),
            says("Both are due today."),
          ],
          end: { changed: { 1: { due: days.today }, 2: { due: days.today } } },
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
