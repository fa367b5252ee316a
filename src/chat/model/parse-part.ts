import type * as z from "zod";
import { unreadableAnswer } from "./model.ts";

/**
 * Reads a part of an answer of the model's server.
 *
 * @throws ApplicationError for one that does not fit
 */
export function parsePart<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw unreadableAnswer(result.error);
}
