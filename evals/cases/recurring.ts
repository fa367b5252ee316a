import { calls, type EvalCase, oneOf, recurs, says } from "../eval-case.ts";

const WEEKDAYS = "BYDAY=MO,TU,WE,TH,FR";

/** Tasks that come again: with the rule that was said, and due when they come first. */
export const recurring: readonly EvalCase[] = [
  {
    name: "every-second-tuesday",
    timeZone: "Europe/London",
    story: (days) => ({
      tasks: [],
      turns: [
        {
          person: "every second Tuesday, water the plants",
          model: [
            calls([
              "create_task",
              {
                title: "Water the plants",
                recurrence: "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
                due: days.next("Tuesday")[0],
              },
            ]),
            "tells",
          ],
          end: {
            added: [
              {
                title: /water the plants/i,
                recurrence: recurs(
                  "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
                  "FREQ=WEEKLY;INTERVAL=2",
                  "FREQ=DAILY;INTERVAL=14",
                ),
                due: oneOf(...days.next("Tuesday")),
              },
            ],
          },
        },
      ],
    }),
  },
  {
    name: "second-tuesday-of-the-month",
    timeZone: "America/New_York",
    story: (days) => {
      const [first = "", second = ""] = days.nth("Tuesday", 2);
      return {
        tasks: [],
        turns: [
          {
            person: "On the second Tuesday of every month I have to file the board report. Put it on my list.",
            model: [
              calls([
                "create_task",
                { title: "File the board report", recurrence: "FREQ=MONTHLY;BYDAY=2TU", due: first },
              ]),
              "tells",
            ],
            end: {
              added: [
                {
                  title: /board report/i,
                  recurrence: recurs(
                    "FREQ=MONTHLY;BYDAY=2TU",
                    "FREQ=MONTHLY;BYDAY=TU;BYSETPOS=2",
                    "FREQ=MONTHLY;BYDAY=+2TU",
                  ),
                  due: first === days.today ? oneOf(first, second) : first,
                },
              ],
            },
          },
        ],
      };
    },
  },
  {
    name: "every-weekday-at-nine",
    timeZone: "Asia/Kathmandu",
    story: (days) => {
      const offsets = [1, 2, 3].filter((offset) => !days.weekday(offset).startsWith("S"));
      const mornings = offsets.map((offset) => days.at(offset, "09:00"));
      return {
        tasks: [],
        turns: [
          {
            person: "From tomorrow on: stand-up, every weekday at nine in the morning",
            model: [
              calls(["create_task", { title: "Stand-up", recurrence: `FREQ=WEEKLY;${WEEKDAYS}`, due: mornings[0] }]),
              "tells",
            ],
            end: {
              added: [
                {
                  title: /stand-?up/i,
                  recurrence: recurs(`FREQ=WEEKLY;${WEEKDAYS}`, `FREQ=DAILY;${WEEKDAYS}`),
                  due: mornings[0] ?? null,
                },
              ],
            },
          },
        ],
      };
    },
  },
  {
    name: "on-the-last-day-of-the-month",
    timeZone: "Europe/Berlin",
    story: (days) => ({
      tasks: [],
      turns: [
        {
          person: "I must send the invoices on the last day of each month, starting with next month",
          model: [
            calls([
              "create_task",
              { title: "Send the invoices", recurrence: "FREQ=MONTHLY;BYMONTHDAY=-1", due: days.lastOfMonth(1) },
            ]),
            "tells",
          ],
          end: {
            added: [
              {
                title: /invoices/i,
                recurrence: recurs("FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=-1"),
                due: days.lastOfMonth(1),
              },
            ],
          },
        },
      ],
    }),
  },
  {
    name: "some-time-after-it-was-done",
    timeZone: "UTC",
    story: (days) => ({
      tasks: [],
      turns: [
        {
          person: "Descale the kettle, first tomorrow, and then always ten days after I last did it",
          model: [
            calls([
              "create_task",
              {
                title: "Descale the kettle",
                ...{ recurrence: "FREQ=DAILY;INTERVAL=10", recurrence_from: "completion", due: days.day(1) },
              },
            ]),
            "tells",
          ],
          end: {
            added: [
              {
                title: /kettle/i,
                recurrence: recurs("FREQ=DAILY;INTERVAL=10"),
                recurrence_from: "completion",
                due: days.day(1),
              },
            ],
          },
        },
      ],
    }),
  },
  {
    name: "complete-an-occurrence",
    timeZone: "Europe/London",
    story: (days) => {
      const before = days.clockChange() - 3;
      return {
        tasks: [
          { title: "Take the bins out", recurrence: "FREQ=WEEKLY", due: days.at(before, "07:30"), tags: ["home"] },
          { title: "Clean the bins", due: days.day(2) },
        ],
        turns: [
          {
            person: "the bins are out",
            model: [calls(["list_tasks", { search: "bins out" }]), calls(["complete_task", { task_id: 1 }]), "tells"],
            end: {
              changed: { 1: { status: "completed" } },
              added: [
                {
                  title: "Take the bins out",
                  recurrence: recurs("FREQ=WEEKLY"),
                  due: days.at(before + 7, "07:30"),
                  tags: ["home"],
                },
              ],
            },
          },
        ],
      };
    },
  },
  {
    name: "stop-a-series",
    timeZone: "UTC",
    story: (days) => ({
      tasks: [{ title: "Weigh the baby", recurrence: "FREQ=WEEKLY", due: days.day(2) }],
      turns: [
        {
          person: "Weighing the baby doesn't need to repeat any more. Just this one time, then it's over.",
          model: [
            calls(["list_tasks", { search: "baby" }]),
            calls(["update_task", { task_id: 1, clear: ["recurrence"] }]),
            says("It no longer repeats."),
          ],
          end: { changed: { 1: { recurrence: null } } },
        },
      ],
    }),
  },
  {
    name: "change-a-series",
    timeZone: "Europe/London",
    story: (days) => ({
      tasks: [
        { title: "Mow the lawn", recurrence: "FREQ=WEEKLY", due: days.day(3) },
        { title: "Trim the hedge", recurrence: "FREQ=WEEKLY", due: days.day(3) },
      ],
      turns: [
        {
          person: "Mowing the lawn every three weeks is enough; the next time stays as it is",
          model: [
            calls(["list_tasks", { search: "lawn" }]),
            calls(["update_task", { task_id: 1, recurrence: "FREQ=WEEKLY;INTERVAL=3" }]),
            "tells",
          ],
          end: {
            changed: {
              1: {
                recurrence: recurs("FREQ=WEEKLY;INTERVAL=3", weeklyOn(days.weekday(3), 3), "FREQ=DAILY;INTERVAL=21"),
              },
            },
          },
        },
      ],
    }),
  },
];

function weeklyOn(weekday: string, interval: number): string {
  return `FREQ=WEEKLY;INTERVAL=${interval};BYDAY=${weekday.slice(0, 2).toUpperCase()}`;
}
