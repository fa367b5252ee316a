import type { z } from "zod";
import { ApplicationError, type FieldError } from "./errors.ts";

/**
 * Reads input that came from outside.
 *
 * @returns the input as the schema makes it
 * @throws ApplicationError `invalid_input` that names each field and what it accepts
 */
export function parseInput<Schema extends z.ZodObject>(schema: Schema, input: unknown): z.output<Schema> {
  const result = schema.safeParse(input, { reportInput: true });
  if (result.success) return result.data;
  const fields = result.error.issues.flatMap((issue) => describeIssue(issue, schema));
  throw new ApplicationError("invalid_input", fields.map(({ field, message }) => sentence(field, message)).join("; "), {
    fields,
  });
}

function sentence(field: string, message: string): string {
  return field === "" ? message : `${field} ${message}`;
}

function describeIssue(issue: z.core.$ZodIssue, schema: z.ZodObject): FieldError[] {
  const field = issue.path.join(".");
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => ({
        field: [...issue.path, key].join("."),
        message: `is not a known field; known are ${Object.keys(schema.shape).join(", ")}`,
      }));
    case "invalid_type":
      if (issue.input === undefined) return [{ field, message: "is required" }];
      return [{ field, message: `must be ${describeType(issue.expected)}` }];
    case "invalid_value":
      return [{ field, message: `must be one of ${issue.values.map(String).join(", ")}` }];
    case "too_small":
      return [{ field, message: `must ${describeBound(issue.origin, "at least", issue.minimum)}` }];
    case "too_big":
      return [{ field, message: `must ${describeBound(issue.origin, "at most", issue.maximum)}` }];
    default:
      return [{ field, message: issue.message }];
  }
}

function describeType(expected: string): string {
  const names: Record<string, string> = {
    int: "a whole number",
    number: "a number",
    string: "a string",
    boolean: "true or false",
    array: "an array",
    object: "a JSON object",
  };
  return names[expected] ?? `a valid ${expected}`;
}

function describeBound(origin: string, relation: string, bound: number | bigint): string {
  return origin === "array" ? `have ${relation} ${bound} items` : `be ${relation} ${bound}`;
}
