import { ApplicationError } from "./errors.ts";

/** How deep JSON from outside may be nested: what walks through it later, zod and the SDKs, calls itself for each level. */
const DEEPEST_JSON = 64;

/** How many values JSON from outside may have in all: more than any call needs, and few enough to look at every one. */
const MOST_JSON_VALUES = 10_000;

/** Whether a JSON value is an object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export interface JsonLimits {
  /** `Infinity` where nobody looks at every value. */
  readonly mostValues?: number;
}

/** What a text is: a JSON value, or why it is none that is taken. */
export type JsonReading =
  | { readonly value: unknown }
  | {
      readonly fault: "syntax" | "size";
      /** Goes on after the name of what was read, such as "must be valid JSON". */
      readonly message: string;
    };

/**
 * The one way in for JSON from outside. Its size is looked at before it is parsed: the limits hold for the work as
 * well, whatever the text.
 */
export function readJson(text: string, { mostValues = MOST_JSON_VALUES }: JsonLimits = {}): JsonReading {
  const message = excessOf(text, mostValues);
  if (message !== undefined) return { fault: "size", message };
  try {
    return { value: JSON.parse(text) };
  } catch {
    return { fault: "syntax", message: "must be valid JSON" };
  }
}

/**
 * Reads JSON from outside.
 *
 * @param name what it is called in the error
 * @throws ApplicationError `invalid_input`
 */
export function parseJson(text: string, name: string, limits?: JsonLimits): unknown {
  const reading = readJson(text, limits);
  if ("value" in reading) return reading.value;
  throw new ApplicationError("invalid_input", `${name} ${reading.message}.`);
}

/** Looks at the text alone, so that nothing is made of what is refused. Of a text that is not JSON it may say anything. */
function excessOf(text: string, mostValues: number): string | undefined {
  let depth = 0;
  let values = 1;
  for (let index = 0; index < text.length; index += 1) {
    switch (text.charCodeAt(index)) {
      case 0x22: // "
        index = endOfString(text, index);
        break;
      case 0x5b: // [
      case 0x7b: // {
        depth += 1;
        values += 1;
        if (depth > DEEPEST_JSON) return `may be nested ${DEEPEST_JSON} levels deep at most`;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth -= 1;
        break;
      case 0x2c: // ,
        values += 1;
        break;
      default:
    }
    if (values > mostValues) return `may have ${mostValues} values at most`;
  }
  return undefined;
}

/** Where the string that begins at a quotation mark ends; the text's end where nothing ends it. */
function endOfString(text: string, start: number): number {
  for (let index = start + 1; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit === 0x22) return index;
    if (unit === 0x5c) index += 1; // What a backslash escapes.
  }
  return text.length;
}
