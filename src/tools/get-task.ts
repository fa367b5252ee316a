import * as z from "zod";
import type { UserDatabase } from "../database/user-database.ts";
import { refusedField } from "../errors.ts";
import { getTasks } from "../tasks/get-tasks.ts";
import { tellChange } from "../tasks/logged-change.ts";
import { tellFailed } from "../tasks/refused-items.ts";
import { wholeTaskSchema } from "../tasks/task.ts";
import { readHistory } from "../tasks/task-history.ts";
import { namesTask, refusedWithoutTask, requireTasks, taskInputs } from "./call-inputs.ts";
import { fitDescriptions } from "./fit-descriptions.ts";
import { defineReadingTool } from "./reading-tool.ts";
import { rules } from "./rules.ts";
import { cutSchema, failedSchema } from "./task-result.ts";
import { wholeTask } from "./task-text.ts";

const USUAL_HISTORY = 10;

const beforeSchema = z.int().min(1).optional();

export const getTaskTool = defineReadingTool({
  name: "get_task",
  title: "Get task",
  description: `Reads tasks of the person's list with everything that is kept of them. ${rules.data}`,
  input: z
    .strictObject({
      ...taskInputs,
      history: z.int().min(1).max(50).optional().describe("How many of its last changes to tell, with their notes."),
      before_change: beforeSchema.describe("Only changes before this one."),
    })
    .refine(namesTask, refusedWithoutTask),
  example: { task_ids: [1], history: 5 },
  output: z.strictObject({
    tasks: z.array(wholeTaskSchema.extend({ cut: cutSchema })),
    failed: failedSchema,
    history: z.array(z.string()).optional(),
    before_change: beforeSchema.describe("Pass it on to read earlier ones."),
  }),
  async run({ history, before_change: before, ...named }, database) {
    const [id, ...others] = requireTasks(named);
    if (history === undefined && before === undefined) return getAll(database, [id, ...others]);
    if (others.length > 0) {
      const field = history === undefined ? "before_change" : "history";
      throw refusedField("invalid_input", field, "goes with one task alone");
    }
    const { task, changes, isMore, timeZone } = await readHistory(database, id, history ?? USUAL_HISTORY, before);
    return {
      tasks: [task],
      history: changes.map((change) => tellChange(change, timeZone)),
      ...(isMore && { before_change: changes.at(-1)?.change }),
    };
  },
  toText({ tasks, failed = [], history, before_change: before }) {
    return [
      ...tasks.map(wholeTask),
      ...(tasks.some(({ cut }) => cut) ? ["A description that ends in … goes on: read that task alone."] : []),
      ...failed.map((item) => `Failed ${tellFailed(item)}.`),
      ...(history ?? []),
      ...(history?.length === 0 ? ["No changes."] : []),
      ...(before === undefined ? [] : [`There are earlier ones: before_change ${before}`]),
    ].join("\n");
  },
});

/** Several tasks, whose descriptions together are no longer than that of one may be, and which of them there are not. */
async function getAll(database: UserDatabase, ids: readonly number[]) {
  const tasks = (await getTasks(database, ids)).map(({ task }) => task);
  const missing = ids.filter((id) => !tasks.some((task) => task.id === id));
  const failed = missing.map((id) => ({ task_id: id, error: "not_found" as const, message: "Task not found" }));
  return { tasks: fitDescriptions(tasks), ...(failed.length > 0 && { failed }) };
}
