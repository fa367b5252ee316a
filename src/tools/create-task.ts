import * as z from "zod";
import { createTask } from "../tasks/change-tasks.ts";
import { createTasks, createWithSubtasks, MOST_NEW_TASKS } from "../tasks/create-tasks.ts";
import { optionalInputs } from "../tasks/field-table.ts";
import { taskFields } from "../tasks/task-fields.ts";
import { atomicInput, callInputs, refusedWithout } from "./call-inputs.ts";
import { publishedFields } from "./published-fields.ts";
import { defineWritingTool } from "./writing-tool.ts";

const { title, ...rest } = taskFields;

/** What can be said of a new task. */
const newTask = z.strictObject({
  title: title.input.describe(title.create),
  ...optionalInputs(rest, "create"),
});
const subtasks = z.array(newTask.omit({ parent_id: true }).register(publishedFields, { only: ["title"] })).optional();
const severalTasks = z
  .array(newTask.extend({ subtasks }).register(publishedFields, { only: ["title"] }))
  .max(MOST_NEW_TASKS)
  .optional();

const input = z
  .strictObject({
    ...newTask.partial().shape,
    subtasks: subtasks.describe("Its subtasks, with such fields."),
    tasks: severalTasks.describe("In place of these fields: several tasks with such fields and subtasks."),
    atomic: atomicInput,
    ...callInputs,
  })
  .refine(
    ({ tasks, title }) => tasks !== undefined || title !== undefined,
    refusedWithout("title", "tasks with at least one in it"),
  )
  .superRefine(({ tasks, note: _note, idempotency_key: _key, atomic: _atomic, ...task }, context) => {
    const refuse = (field: string, message: string) => context.addIssue({ code: "custom", path: [field], message });
    const [beside] = Object.entries(task).flatMap(([name, value]) => (value === undefined ? [] : [name]));
    if (tasks !== undefined && beside !== undefined)
      refuse(beside, "must be left out beside tasks, or stand in one of them");
    else if (countTasks({ tasks, ...task }) > MOST_NEW_TASKS) {
      refuse(
        tasks === undefined ? "subtasks" : "tasks",
        `must be at most ${MOST_NEW_TASKS} tasks, subtasks among them`,
      );
    }
  });

export const createTaskTool = defineWritingTool({
  name: "create_task",
  title: "Create task",
  description: "Adds tasks to the person's list, one or several.",
  input,
  example: { title: "Call the dentist", due: "2026-11-30", priority: "high", tags: ["health"] },
  annotations: { destructiveHint: false, idempotentHint: false },
  run(
    { note: _note, idempotency_key: _key, atomic: _atomic, tasks, title = "", ...fields },
    database,
    call,
    { isAtomic },
  ) {
    if (tasks !== undefined) return createTasks(database, call, tasks, isAtomic);
    const { subtasks, ...rest } = fields;
    const task = { title, ...rest };
    if (subtasks === undefined) return createTask(database, call, task);
    return createWithSubtasks(database, call, { ...task, subtasks });
  },
  answers: "created",
  done: () => "Created",
  asksFor: countTasks,
});

/** How many tasks a call makes, subtasks among them. */
function countTasks({ tasks, subtasks }: Pick<z.output<typeof input>, "tasks" | "subtasks">): number {
  const given = tasks ?? [{ subtasks }];
  return given.reduce((sum, { subtasks: below = [] }) => sum + 1 + below.length, 0);
}
