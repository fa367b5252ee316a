import * as z from "zod";
import { ApplicationError, type FieldError } from "./errors.ts";
import { excerpt, listNames, MOST_NAMED } from "./excerpt.ts";

const LONGEST_PATH = 60;

/** Fields of an input that are taken, and that nobody is told of: there is another that does the same. */
export const unpublishedFields = z.registry<object>();

/**
 * Reads input that came from outside.
 *
 * @returns the input as the schema makes it
 * @throws ApplicationError `invalid_input` that names the first ten fields that do not fit, each once, and what they accept
 */
export function parseInput<Schema extends z.ZodObject>(schema: Schema, input: unknown): z.output<Schema> {
  const result = schema.safeParse(input, { error: wording });
  if (result.success) return result.data;
  throw describeIssues(result.error.issues, schema);
}

function describeIssues(issues: readonly z.core.$ZodIssue[], schema: z.ZodObject): ApplicationError {
  const misfits = new Map<string, string>();
  const unknown: string[] = [];
  let allowed = "";
  for (const issue of issues) {
    if (issue.code === "unrecognized_keys") {
      for (const key of issue.keys) unknown.push([...issue.path, key].join("."));
      allowed ||= describeAllowed(schema, issue.path);
      continue;
    }
    const field = excerpt(issue.path.join("."), LONGEST_PATH);
    // What comes after the first says what follows from it: that a text is too long for a list, for example.
    if (!misfits.has(field)) misfits.set(field, issue.message);
  }
  const shown = [...misfits].slice(0, MOST_NAMED).map(([field, message]) => ({ field, message }));
  const room = MOST_NAMED - shown.length;
  const sentences = [shown.map(({ field, message }) => `${field === "" ? "The input" : field} ${message}`).join("; ")];
  if (unknown.length > 0 && room > 0) {
    const fields = unknown.length === 1 ? "field" : "fields";
    sentences.push(`Unknown ${fields} ${listNames(unknown, room)}`, allowed);
  } else {
    const further = misfits.size - shown.length + unknown.length;
    if (further > 0) sentences.push(`${further} more do not fit`);
  }
  const strangers = unknown.slice(0, room).map((key): FieldError => {
    return { field: excerpt(key, LONGEST_PATH), message: "is not a known field" };
  });
  return new ApplicationError("invalid_input", sentences.filter((part) => part !== "").join(". "), {
    fields: [...shown, ...strangers],
  });
}

/** The fields of the object that stands there in the input: `Allowed in match: status, priority`. */
function describeAllowed(schema: z.ZodObject, path: readonly PropertyKey[]): string {
  const at = path.reduce<z.core.$ZodType | undefined>(schemaWithin, schema);
  const object = at === undefined ? undefined : unwrap(at);
  if (!(object instanceof z.ZodObject)) return "";
  const where = path.length === 0 ? "" : ` in ${path.join(".")}`;
  const published = Object.entries(object.shape).flatMap(([name, field]) =>
    unpublishedFields.has(field) ? [] : [name],
  );
  return `Allowed${where}: ${published.join(", ")}`;
}

function schemaWithin(schema: z.core.$ZodType | undefined, key: PropertyKey): z.core.$ZodType | undefined {
  const outer = schema === undefined ? undefined : unwrap(schema);
  if (outer instanceof z.ZodArray) return outer.element;
  return outer instanceof z.ZodObject && Object.hasOwn(outer.shape, key) ? outer.shape[String(key)] : undefined;
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault ? unwrap(schema.unwrap()) : schema;
}

/** The words for what does not fit; they go on after the field's name. A schema's own come before these. */
const wording: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined ? "is required" : `must be ${describeType(issue.expected)}`;
    case "invalid_value":
      return `must be one of ${issue.values.map(String).join(", ")}`;
    case "too_small":
      return `must ${describeBound(issue.origin, "at least", issue.minimum)}`;
    case "too_big":
      return `must ${describeBound(issue.origin, "at most", issue.maximum)}`;
    default:
      return undefined;
  }
};

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
  return origin === "array" ? `have ${relation} ${bound} ${bound === 1 ? "item" : "items"}` : `be ${relation} ${bound}`;
}
