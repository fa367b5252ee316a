import * as z from "zod";
import { parseInput } from "../input.ts";
import { isObject, readJson } from "../json.ts";
import { decimals } from "../tasks/task-fields.ts";
import { signs } from "../tasks/task-id.ts";

/** What known clients put beside a tool's arguments: n8n, Cline, and those that take a request's `_meta` for one of them. */
const ADDED_BY_CLIENTS: ReadonlySet<string> = new Set(["_meta", "toolCallId", "sessionId", "task_progress"]);

/** How many of something a call is about: `true` means one, and `false` none. */
export const counts = z.registry<object>();

/** What models of OpenAI and of Google put before a function's name. */
const PREFIX = /^(?:functions|default_api)\./;

/** How often the arguments as a whole may be encoded as a JSON string. */
const MOST_ENCODINGS = 2;

/** The name that a tool is called by, whatever a model has made of it. */
export function toolNameOf(called: string): string {
  return called.trim().replace(PREFIX, "");
}

/** The arguments of a call as the object that they are, also where they came as text or not at all. */
export function decodeArguments(given: unknown): unknown {
  let decoded: unknown = given ?? {};
  for (let encodings = 0; typeof decoded === "string" && encodings < MOST_ENCODINGS; encodings += 1) {
    if (decoded.trim() === "") return {};
    const reading = readJson(decoded);
    if (!("value" in reading)) return given;
    decoded = reading.value;
  }
  return isObject(decoded) ? decoded : given;
}

/**
 * Reads the input of a tool, as models and clients really send it.
 *
 * @throws ApplicationError `invalid_input`
 */
export function readToolInput<Schema extends z.ZodObject>(schema: Schema, given: unknown): z.output<Schema> {
  return parseInput(schema, normalizeInput(schema, given));
}

/**
 * The arguments of a call as the tool's schema writes them, of what models and clients really send: a field that has no
 * value is left out, and a value that is written otherwise but can mean nothing else is put right. All else stays as it
 * is, for the schema to refuse.
 */
function normalizeInput(schema: z.ZodObject, given: unknown): unknown {
  const decoded = decodeArguments(given);
  if (!isObject(decoded)) return decoded;
  const { shape } = schema;
  const fields: [string, unknown][] = [];
  for (const [name, value] of Object.entries(decoded)) {
    if (ADDED_BY_CLIENTS.has(name)) continue;
    const field = Object.hasOwn(shape, name) ? shape[name] : undefined;
    const normalized = field === undefined ? value : normalize(field, value);
    if (field === undefined || !isOptional(field) || !isEmpty(normalized)) fields.push([name, normalized]);
  }
  return Object.fromEntries(fields);
}

function normalize(schema: z.core.$ZodType, value: unknown): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return normalize(schema.unwrap(), value);
  if (schema instanceof z.ZodArray) return normalizeList(schema.element, value);
  if (schema instanceof z.ZodObject)
    return typeof value === "object" || isJsonObject(value) ? normalizeInput(schema, value) : value;
  if (schema instanceof z.ZodNumber && counts.has(schema)) return toCount(value);
  if (typeof value !== "string") return value;
  if (schema instanceof z.ZodNumber && decimals.has(schema)) return toDecimal(value);
  if (schema instanceof z.ZodNumber) return toWholeNumber(value, signs.get(schema)?.sign ?? "");
  if (schema instanceof z.ZodBoolean) return toBoolean(value);
  if (schema instanceof z.ZodEnum) return toOption(value, schema.options);
  return value;
}

/** A list may come as JSON in a string, and a list of one as what is in it; `null` in a string is none. */
function normalizeList(element: z.core.$ZodType, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => normalize(element, item));
  if (typeof value === "number" || (element instanceof z.ZodObject && isObject(value)))
    return [normalize(element, value)];
  if (typeof value !== "string") return value;
  const text = value.trim();
  if (text === "" || text === "null") return null;
  if (!text.startsWith("[")) return [normalize(element, value)];
  const reading = readJson(value);
  return "value" in reading && Array.isArray(reading.value) ? normalizeList(element, reading.value) : value;
}

function isJsonObject(value: unknown): boolean {
  return typeof value === "string" && value.trimStart().startsWith("{");
}

function toWholeNumber(text: string, sign: string): unknown {
  const trimmed = text.trim();
  const digits = sign !== "" && trimmed.startsWith(sign) ? trimmed.slice(sign.length) : trimmed;
  return /^-?\d{1,15}(?:\.0{1,15})?$/.test(digits) ? Number(digits) : text;
}

function toDecimal(text: string): unknown {
  const trimmed = text.trim();
  return /^-?\d{1,15}(?:\.\d{1,17})?$/.test(trimmed) ? Number(trimmed) : text;
}

function toCount(value: unknown): unknown {
  const written = typeof value === "string" ? toBoolean(value) : value;
  if (typeof written === "boolean") return written ? 1 : null;
  return typeof written === "string" ? toWholeNumber(written, "") : written;
}

function toBoolean(text: string): unknown {
  const written = text.trim().toLowerCase();
  return written === "true" || (written === "false" ? false : text);
}

function toOption(text: string, options: readonly unknown[]): unknown {
  const written = text.trim().toLowerCase().replaceAll(/[\s-]/g, "_");
  return options.includes(written) ? written : text;
}

function isOptional(schema: z.core.$ZodType): boolean {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault;
}

function isEmpty(value: unknown): boolean {
  if (typeof value === "string") return !/[^\p{White_Space}\p{Default_Ignorable_Code_Point}]/u.test(value);
  return value === null || value === undefined || (Array.isArray(value) && value.length === 0);
}
