import { describe, expect, test } from "vitest";
import { callsToApprove } from "../../src/chat/agent/approval.ts";
import { approvalQuestion } from "../../src/chat/agent/approval-question.ts";
import { planCall } from "../../src/tools/run-tool.ts";

describe("an approval of several tasks", () => {
  const deletion = planCall("delete_task", { task_ids: [1, 2] });

  test("leaves what is not about them alone, and asks about what is", () => {
    const create = planCall("create_task", { title: "Milk" });
    const read = planCall("get_task", { task_id: 1 });
    const update = planCall("update_task", { task_id: 2, title: "Oat milk" });
    const other = planCall("update_task", { task_id: 3, title: "Bread" });
    expect(callsToApprove([create, read, update, other, deletion], 0)).toEqual([update, deletion]);
  });

  test("counts each of them", () => {
    expect(deletion.changes).toBe(2);
    const three = planCall("complete_task", { task_ids: [1, 2, 3] });
    expect(callsToApprove([three], 2)).toEqual([]);
    expect(callsToApprove([three], 3)).toEqual([three]);
  });

  test("names each of them", () => {
    const question = approvalQuestion(deletion, [
      { id: 1, title: "Milk" },
      { id: 2, title: "nothing", titleBefore: "Eggs" },
    ]);
    expect(question).toBe('Delete 2 tasks: #1 "Milk", #2 "Eggs" (now renamed to "nothing")?');
  });
});

test("a question says of each of several tasks what would change, and of how many where none is named", () => {
  const named = [
    { id: 1, title: "Milk" },
    { id: 2, title: "Eggs" },
  ];
  const update = planCall("update_task", { task_ids: [1, 2], priority: "low" });
  expect(approvalQuestion(update, named)).toBe('Update 2 tasks: #1 "Milk", #2 "Eggs" (each: priority "low")?');
  expect(approvalQuestion(planCall("update_task", { claim_next: 3 }), [])).toBe("Update 3 tasks: claim next 3?");
  // What is completed can be reopened: a yes in words counts for it.
  const many = Array.from({ length: 26 }, (_, index) => ({ id: index + 1, title: "T" }));
  const match = { match: { tags: ["all"] }, expect_count: 26 };
  expect(approvalQuestion(planCall("complete_task", match), many)).toMatch(/and 1 more.*\?$/);
});

test("a question says nested values in words, and nothing that is for the server alone", () => {
  const planned = {
    ...planCall("delete_task", { task_id: 1 }),
    details: new Map<string, unknown>([
      ["repeat_rule", { every: 2, unit: "week", days: ["monday", "friday"], ends: null }],
      ["steps", [{ title: "Buy {milk}", done: false }, { title: "Cook" }]],
      ["idempotency_key", "k"],
    ]),
  };
  expect(approvalQuestion(planned, [])).toBe(
    'Delete task: repeat rule (every 2, unit "week", days "monday", "friday", ends nothing), ' +
      'steps (title "Buy {milk}", done no), (title "Cook")?',
  );
});

test("a call about one task changes one, however many others that one waits for", () => {
  const blocked_by = [1, 2, 3, 4, 5, 6];
  expect(planCall("create_task", { title: "Last", blocked_by })).toMatchObject({ changes: 1, taskIds: [] });
  expect(planCall("update_task", { task_id: 7, blocked_by })).toMatchObject({ changes: 1, taskIds: [7] });
});
