import { calls, type EvalCase, says, type ToolCall } from "../eval-case.ts";

/** Other dates for tasks that are there, one or many: for those that were meant, and no others. */
export const moving: readonly EvalCase[] = [
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
            calls(["list_tasks", { due_from: days.day(3), due_before: days.day(4), total: true, limit: 1 }]),
            calls([
              "update_task",
              {
                match: { due_from: days.day(3), due_before: days.day(4) },
                ...{ expect_count: 3, due: days.day(6) },
              },
            ]),
            says("Moved three tasks."),
          ],
          end: { changed: { 1: { due: days.day(6) }, 2: { due: days.day(6) }, 3: { due: days.day(6) } } },
        },
      ],
    }),
  },
  {
    name: "move-a-day-with-its-times",
    timeZone: "America/New_York",
    story: (days) => ({
      tasks: [
        { title: "Interview the plumber", due: days.at(3, "15:00") },
        { title: "Clear the cellar", due: days.day(3) },
        { title: "Call the roofer", due: days.at(4, "09:00") },
      ],
      turns: [
        {
          person: `everything I have on ${days.weekday(3)} moves to ${days.weekday(6)}, at the same times`,
          model: [
            calls(["list_tasks", { due_from: days.day(3), due_before: days.day(4) }]),
            calls(
              ["update_task", { task_id: 1, due: days.at(6, "15:00") }],
              ["update_task", { task_id: 2, due: days.day(6) }],
            ),
            says("Moved both."),
          ],
          end: { changed: { 1: { due: days.at(6, "15:00") }, 2: { due: days.day(6) } } },
        },
      ],
    }),
  },
  {
    name: "move-thirty-at-once",
    timeZone: "UTC",
    story: (days) => {
      const ids = Array.from({ length: 30 }, (_, index) => index + 1);
      return {
        tasks: [
          { tasks: ids.slice(0, 25).map((id) => ({ title: `Call donor ${id}`, due: days.day(2), tags: ["donors"] })) },
          { tasks: ids.slice(25).map((id) => ({ title: `Call donor ${id}`, due: days.day(2), tags: ["donors"] })) },
          { title: "Thank the donors", due: days.day(2) },
        ],
        turns: [
          {
            person: "I'm ill. Everything tagged donors moves to a week later.",
            model: [
              calls(["list_tasks", { tags: ["donors"], total: true, limit: 1 }]),
              calls(["update_task", { match: { tags: ["donors"] }, expect_count: 30, due: days.day(9) }]),
              says("Moved all thirty."),
            ],
            end: { changed: Object.fromEntries(ids.map((id) => [id, { due: days.day(9) }])) },
          },
        ],
      };
    },
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
            calls(["list_tasks", { tags: ["cleaning"], total: true, limit: 1 }]),
            calls(["update_task", { match: { tags: ["cleaning"] }, expect_count: 6, due: days.day(1) }]),
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
];
