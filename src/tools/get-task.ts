import * as z from "zod";
import { getTasks } from "../tasks/get-tasks.ts";
import { tellChange } from "../tasks/logged-change.ts";
import { taskIdSchema, taskSchema } from "../tasks/task.ts";
import { readHistory } from "../tasks/task-history.ts";
import { defineReadingTool } from "./reading-tool.ts";
import { rules } from "./rules.ts";
import { wholeTask } from "./task-text.ts";

const USUAL_HISTORY = 10;

const beforeSchema = z.int().min(1).optional();

export const getTaskTool = defineReadingTool({
  name: "get_task",
  title: "Get task",
  description: `Reads one task of the person's list with everything that is kept of it. ${rules.data}`,
  input: z.strictObject({
    task_id: taskIdSchema,
    history: z.int().min(1).max(50).optional().describe("How many of its last changes to tell, with their notes."),
    before_change: beforeSchema.describe("Only changes before this one."),
  }),
  example: { task_id: 1, history: 5 },
  output: z.strictObject({
    tasks: z.array(taskSchema),
    history: z.array(z.string()).optional().describe("From the last on."),
    before_change: beforeSchema.describe("There are earlier ones: pass it on to read them."),
  }),
  async run({ task_id: id, history, before_change: before }, database) {
    if (history === undefined && before === undefined)
      return { tasks: (await getTasks(database, [id])).map(({ task }) => task) };
    const { task, changes, isMore, timeZone } = await readHistory(database, id, history ?? USUAL_HISTORY, before);
    return {
      tasks: [task],
      history: changes.map((change) => tellChange(change, timeZone)),
      ...(isMore && { before_change: changes.at(-1)?.change }),
    };
  },
  toText({ tasks, history, before_change: before }) {
    return [
      ...tasks.map(wholeTask),
      ...(history ?? []),
      ...(history?.length === 0 ? ["No changes."] : []),
      ...(before === undefined ? [] : [`There are earlier ones: before_change ${before}`]),
    ].join("\n");
  },
});
