import { describe, expect, test } from "vitest";
import { z } from "zod";
import { callsToApprove } from "../../src/chat/agent/approval.ts";
import { approvalQuestion } from "../../src/chat/agent/approval-question.ts";
import { planCall } from "../../src/tools/run-tool.ts";
import { callInputs, defineWritingTool } from "../../src/tools/writing-tool.ts";

/** A tool that deletes several tasks, and needs a yes for more than one. */
const deleteTasks = defineWritingTool({
  name: "delete_tasks",
  title: "Delete tasks",
  description: "Deletes tasks.",
  input: z.strictObject({ task_ids: z.array(z.int()), idempotency_key: callInputs.idempotency_key }),
  example: { task_ids: [1, 2] },
  annotations: { destructiveHint: true, idempotentHint: true },
  confirm: ({ task_ids }) => task_ids.length > 1,
  run: () => Promise.reject(new Error("is only planned here")),
  done: () => "Deleted",
});
const plan = (input: unknown) => ({ tool: deleteTasks, ...deleteTasks.foresee(input) });

describe("an approval of several tasks", () => {
  const deletion = plan({ task_ids: [1, 2] });

  test("leaves what is not about them alone, and asks about what is", () => {
    const create = planCall("create_task", { title: "Milk" });
    const read = planCall("get_task", { task_id: 1 });
    const update = planCall("update_task", { task_id: 2, title: "Oat milk" });
    const other = planCall("update_task", { task_id: 3, title: "Bread" });
    expect(callsToApprove([create, read, update, other, deletion], 0)).toEqual([update, deletion]);
  });

  test("counts each of them", () => {
    expect(deletion.changes).toBe(2);
    const six = plan({ task_ids: [1] });
    expect(callsToApprove([six], 4)).toEqual([]);
    expect(callsToApprove([six], 5)).toEqual([six]);
  });

  test("names each of them", () => {
    const question = approvalQuestion(deletion, [
      { id: 1, title: "Milk" },
      { id: 2, title: "nothing", titleBefore: "Eggs" },
    ]);
    expect(question).toBe('Delete tasks #1 "Milk", #2 "Eggs" (now renamed to "nothing")?');
  });
});

test("a question says nested values in words, and nothing that is for the server alone", () => {
  const planned = {
    ...plan({ task_ids: [] }),
    details: new Map<string, unknown>([
      ["repeat_rule", { every: 2, unit: "week", days: ["monday", "friday"], ends: null }],
      ["steps", [{ title: "Buy {milk}", done: false }, { title: "Cook" }]],
      ["idempotency_key", "k"],
    ]),
  };
  expect(approvalQuestion(planned, [])).toBe(
    'Delete tasks: repeat rule (every 2, unit "week", days "monday", "friday", ends nothing), ' +
      'steps (title "Buy {milk}", done no), (title "Cook")?',
  );
});

test("a tool decides by its input whether it needs a yes", () => {
  expect(callsToApprove([plan({ task_ids: [1] })], 0)).toEqual([]);
});
