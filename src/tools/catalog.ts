import * as z from "zod";
import { completeTaskTool } from "./complete-task.ts";
import { createTaskTool } from "./create-task.ts";
import { deleteTaskTool } from "./delete-task.ts";
import { getTaskTool } from "./get-task.ts";
import { listTasksTool } from "./list-tasks.ts";
import type { ObjectJsonSchema, Tool, ToolAnnotations } from "./tool.ts";
import { updateTaskTool } from "./update-task.ts";

/** Every tool there is, in the order in which they are listed. */
export const catalog: readonly Tool[] = [
  createTaskTool,
  listTasksTool,
  getTaskTool,
  updateTaskTool,
  completeTaskTool,
  deleteTaskTool,
];

/** A tool as MCP's `tools/list` describes it. */
export interface ToolDescription {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: ObjectJsonSchema;
  readonly outputSchema: ObjectJsonSchema;
  readonly annotations: ToolAnnotations & { readonly title: string };
}

let descriptions: readonly ToolDescription[] | undefined;

/** The catalog as MCP's `tools/list` describes it, with JSON Schema 2020-12. */
export function describeCatalog(): readonly ToolDescription[] {
  descriptions ??= catalog.map(({ name, title, description, input, output, annotations }) => ({
    name,
    title,
    description,
    inputSchema: toJsonSchema(input, "input"),
    outputSchema: toJsonSchema(output, "output"),
    annotations: { title, ...annotations },
  }));
  return descriptions;
}

function toJsonSchema(schema: z.ZodObject, io: "input" | "output"): ObjectJsonSchema {
  const { $schema, ...jsonSchema } = z.toJSONSchema(schema, { target: "draft-2020-12", io });
  return { ...jsonSchema, type: "object" };
}
