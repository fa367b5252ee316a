import { describe, expect, it } from "vitest";
import { allCases } from "../../evals/cases/all-cases.ts";
import { Days } from "../../evals/days.ts";
import { calls, type EvalCase, type Round, says } from "../../evals/eval-case.ts";
import { runCase } from "../../evals/run-case.ts";
import { runCases } from "../../evals/run-cases.ts";
import { rightModel, ScriptedPlace } from "../support/eval-place.ts";

// A scripted model does in each case what a model does that does it right: what the tools then do must be what the case
// asks for. `npm run eval` has a real model do it.

describe("the table of cases", () => {
  it("has each name once, in kebab case", () => {
    const names = allCases.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThanOrEqual(60);
    for (const name of names) expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
  });

  it("says how each case ends", () => {
    for (const { name, timeZone, story } of allCases)
      expect(story(new Days(timeZone)).turns.at(-1), name).toHaveProperty("end");
  });
});

it.each(allCases)("$name passes where the model does it right", async (evalCase) => {
  const { faults, answers } = await runCase(evalCase, rightModel);
  expect(faults, answers.join("\n\n")).toEqual([]);
});

/** Models that do something else than what was asked, and why each case does not pass then. */
const wrong: readonly (readonly [what: string, name: string, rounds: readonly Round[], faults: readonly string[]])[] = [
  [
    "does nothing, and says that it did",
    "complete-one",
    [says("Marked as done.")],
    ['#1 "Pay the rent": status is "pending", not "completed"'],
  ],
  [
    "changes another task",
    "complete-one",
    [calls(["complete_task", { task_id: 2 }]), says("Done.")],
    [
      '#1 "Pay the rent": status is "pending", not "completed"',
      '#2 "Pay the gardener": status is "completed", not "pending"',
    ],
  ],
  [
    "does more than it was asked to",
    "start-a-task",
    [calls(["update_task", { task_id: 1, status: "in_progress", priority: "high" }]), says("Started.")],
    ['#1 "Draft the proposal": priority is "high", not "none"'],
  ],
  [
    "adds a task instead of changing one",
    "raise-a-priority",
    [calls(["create_task", { title: "Back up the laptop", priority: "urgent" }]), says("Added.")],
    ['#1 "Back up the laptop": priority is "low", not "urgent"', '"Back up the laptop" was added, unasked'],
  ],
  [
    "adds a date that nobody named",
    "add-one",
    [calls(["create_task", { title: "Buy milk", due: "2030-01-01" }]), says("Added.")],
    ['no new task is title /milk/i; the nearest is "Buy milk": due is "2030-01-01", not null'],
  ],
  [
    "adds one task for several",
    "add-several-with-a-tag",
    [calls(["create_task", { title: "Milk, eggs and bread", tags: ["groceries"] }]), says("Added.")],
    ['no new task is title /eggs/i, tags ["groceries"]', 'no new task is title /bread/i, tags ["groceries"]'],
  ],
  [
    "changes a task for good that was to go",
    "delete-after-a-yes",
    [calls(["update_task", { task_id: 1, status: "cancelled" }]), says("It is gone.")],
    ['#1 "Buy a kayak" is still there'],
  ],
  [
    "deletes what was to be completed",
    "complete-one",
    [calls(["delete_task", { task_id: 1 }]), says("Done.")],
    ['#1 "Pay the rent" is gone'],
  ],
  [
    "does by another way what the person has said no to",
    "delete-after-a-no",
    [calls(["update_task", { task_id: 1, status: "cancelled" }]), says("It is off your list.")],
    ["the person was not asked, and meant to say no", '#1 "Buy a kayak": status is "cancelled", not "pending"'],
  ],
  [
    "picks one where two could be meant",
    "finish-one-of-two-reports",
    [calls(["complete_task", { task_id: 1 }]), says("The report for the board is done, the tax one is not.")],
    ['#1 "Report for the board": status is "completed", not "pending"', "the answer asks nothing"],
  ],
  [
    "tells something else than what was asked",
    "what-is-overdue",
    [calls(["list_tasks", {}]), "tells"],
    ['the answer says "ferns"', 'the answer says "novel"', expect.stringContaining("stamps")],
  ],
  [
    "does not look",
    "what-is-overdue",
    [says("Nothing is overdue.")],
    ['the answer does not say "water bill"', 'the answer does not say "contract"'],
  ],
  [
    "ends a series by a rule that goes on",
    "stop-a-series",
    [calls(["update_task", { task_id: 1, recurrence: "FREQ=WEEKLY;COUNT=2" }]), says("Once more, then it is over.")],
    ['#1 "Weigh the baby": recurrence is "FREQ=WEEKLY;COUNT=2", not null'],
  ],
  [
    "moves a task and loses its time",
    "move-a-day-with-its-times",
    [calls(["update_task", { task_ids: [1, 2], due: new Days("America/New_York").day(6) }]), says("Moved both.")],
    [expect.stringMatching(/^#1 "Interview the plumber": due is /)],
  ],
  ...(
    [
      ["takes a task's number for how many there are", "how-does-my-week-look", 'Only this: #2 "Choir practice"'],
      ["tells the time for a number", "how-many-are-open", "It is 2030-01-01T23:23:00. You have 20 tasks, or 12-23."],
      ["offers what has to wait", "what-can-i-start", "Sow the beans, or sharpen the spade"],
      ["calls open what is done", "what-is-left-of-a-project", "Cancel the internet, find a school"],
      ["calls overdue what is due today", "what-is-overdue", "The water bill, the contract and the stamps"],
      ["calls late what is due today", "what-is-overdue-in-kathmandu", "The visa and the laundry"],
      ["tells tomorrow's tasks for today's", "what-is-due-today", "Mend the net, order diesel, the harbour master"],
      ["tells another day", "find-by-words", "It is due on 2030-01-05 at 15:00"],
      ["finds something in an empty list", "an-empty-list", "Are there any questions? Buy milk."],
      ["makes believe that there is such a day", "a-day-that-does-not-exist", "It is due on 28 February 2031."],
      ["makes believe that it is below itself", "under-itself", "“Renovate the flat” is under the kitchen already."],
      ["makes believe that it recurs so often", "every-five-minutes", "It repeats every five minutes, not less often."],
      ["makes believe that both wait", "waiting-in-a-circle", "Now both wait for each other."],
    ] as const
  ).map(
    ([what, name, said]) =>
      [what, name, [says(said)], [expect.stringMatching(/^the answer (does not say|says) /)]] as const,
  ),
  [
    "makes believe that it can",
    "an-e-mail",
    [says("I have sent it.")],
    [expect.stringMatching(/^the answer does not say /)],
  ],
];

function caseNamed(name: string): EvalCase {
  const [evalCase] = allCases.filter((known) => known.name === name);
  if (evalCase === undefined) throw new Error(`there is no case ${name}`);
  return evalCase;
}

it.each(wrong)("a model that %s does not pass %s", async (_, name, rounds, faults) => {
  const result = await runCase(caseNamed(name), new ScriptedPlace(() => rounds));
  expect(result.faults).toEqual(faults);
});

it("a turn that fails does not pass, and none is taken after it", async () => {
  const { faults, answers } = await runCase(
    caseNamed("i-did-the-first-two"),
    new ScriptedPlace(() => [calls(["list_tasks", {}])]),
  );
  expect(faults[0]).toMatch(/^turn 1: the turn failed: /);
  expect(answers).toHaveLength(1);
});

it("a case that meets midnight is run again, on the new day", async () => {
  const clock = ["2030-01-01T23:59:59Z", "2030-01-02T00:00:10Z", "2030-01-02T00:00:10Z"].map((now) => new Date(now));
  const told: string[] = [];
  const evalCase: EvalCase = {
    ...caseNamed("add-one"),
    story(days) {
      told.push(days.today);
      return caseNamed("add-one").story(days);
    },
  };
  expect((await runCase(evalCase, rightModel, () => clock.shift() ?? new Date(0))).faults).toEqual([]);
  expect(told).toEqual(["2030-01-01", "2030-01-02"]);
});

describe("a run of several cases", () => {
  const cases = ["add-one", "complete-one", "an-e-mail"].map(caseNamed);
  const bounds = { parallel: 2, maxTokens: 1_000_000, maxMinutes: 10 };

  it("tells of each as it ends, and has them in their order", async () => {
    const told: string[] = [];
    const run = await runCases("a model", cases, rightModel, bounds, ({ name }) => told.push(name));
    expect(told.toSorted()).toEqual(["add-one", "an-e-mail", "complete-one"]);
    expect(run.results.map(({ name, faults, calls }) => [name, faults, calls])).toEqual([
      ["add-one", [], 1],
      ["complete-one", [], 2],
      ["an-e-mail", [], 0],
    ]);
    expect(run.notRun).toEqual([]);
    for (const { inputTokens, outputTokens } of run.results)
      expect(Math.min(inputTokens, outputTokens)).toBeGreaterThan(0);
  });

  it.each([
    { maxTokens: 1, parallel: 1 },
    { maxMinutes: 1e-6, parallel: 1 },
  ])("begins no further one beyond %j", async (bound) => {
    const run = await runCases("a model", cases, rightModel, { ...bounds, ...bound }, () => undefined);
    expect(run.notRun.length).toBeGreaterThanOrEqual(2);
    expect(run.results.length + run.notRun.length).toBe(3);
  });
});
