import type * as z from "zod";
import type { CallEffect } from "./tool.ts";

/** The fields in which tools take the ids of tasks: one, or a list. */
const ID_FIELDS = ["task_id", "task_ids"];

/** Those in which a task says to which others it refers. */
const REFERENCES = ["blocked_by"];

/** What a call that only reads does. */
export function effectOfReading(schema: z.ZodObject, input: Record<string, unknown>): CallEffect {
  return { input, ...readFields(schema, input), changes: 0, mustConfirm: false };
}

/**
 * What a call that changes tasks does: to the tasks that it names, or to as many as it asks for, or lists.
 *
 * @param mustConfirm whether a person must say yes before an agent runs it
 * @param asksFor how many tasks it changes that it does not name
 */
export function effectOfWriting(
  schema: z.ZodObject,
  input: Record<string, unknown>,
  mustConfirm: boolean,
  asksFor = 1,
): CallEffect {
  const fields = readFields(schema, input);
  // Any other list in the input but one of words (tags, fields to clear) is taken for a list of tasks.
  const lists = [...fields.details]
    .filter(([field]) => !REFERENCES.includes(field))
    .map(([, value]) => value)
    .filter((value) => Array.isArray(value))
    .filter((list) => list.some((item) => typeof item !== "string"));
  const changes = Math.max(asksFor, fields.taskIds.length, ...lists.map(({ length }) => length));
  return { input, ...fields, changes, mustConfirm };
}

function readFields(schema: z.ZodObject, input: Record<string, unknown>): Pick<CallEffect, "taskIds" | "details"> {
  return {
    taskIds: [...new Set(ID_FIELDS.flatMap((field) => input[field] ?? []).filter((id) => typeof id === "number"))],
    details: new Map(
      Object.keys(schema.shape)
        .filter((field) => !ID_FIELDS.includes(field) && input[field] !== undefined)
        .map((field) => [field, input[field]]),
    ),
  };
}
