import * as z from "zod";
import { taskSchema } from "../tasks/task.ts";

/** What every tool but `list_tasks` answers. */
export const taskResultSchema = z.strictObject({ tasks: z.array(taskSchema) });
