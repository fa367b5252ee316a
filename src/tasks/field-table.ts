import type * as z from "zod";
import type { Field } from "./field.ts";

// What is done with each field of a table. TypeScript follows no loop over a table: what one gives is what the first
// signature of its function says, and each field is held to its own types where it is declared.

/** Fields by their names, in the order in which everyone sees them. */
export type Fields = Readonly<Record<string, Field>>;

type Values = Readonly<Record<string, unknown>>;

/** The same part of each entry of a table that has it. */
export type Part<Table, Name extends string> = {
  [Key in keyof Table as Table[Key] extends Readonly<Record<Name, unknown>> ? Key : never]: Table[Key] extends Readonly<
    Record<Name, infer Value>
  >
    ? Value
    : never;
};

type Schemas<Table> = { [Name in keyof Table]: Table[Name] extends z.ZodType ? Table[Name] : never };
type Outputs<Table> = z.output<z.ZodObject<Schemas<Part<Table, "output">>>>;
type Listed<Table> = z.output<z.ZodObject<Schemas<Part<Part<Table, "list">, "schema">>>>;

/** The same part of each entry of a table that has it. */
export function pluck<Table extends object, Name extends string>(table: Table, name: Name): Part<Table, Name>;
export function pluck(table: Readonly<Record<string, Values>>, name: string): Values {
  const having = Object.entries(table).filter(([, entry]) => name in entry);
  return Object.fromEntries(having.map(([key, entry]) => [key, entry[name]]));
}

/** The names of a table's entries by themselves, as `z.enum` takes them. */
export function namesOf<Table extends object>(table: Table): { [Name in keyof Table]: Name };
export function namesOf(table: object): Values {
  return Object.fromEntries(Object.keys(table).map((name) => [name, name]));
}

/** The inputs of fields that need not be given, described as that tool describes them. */
export function optionalInputs<Table extends Fields>(
  fields: Table,
  tool: "create" | "update",
): { [Name in keyof Table]: z.ZodOptional<Table[Name]["input"]> };
export function optionalInputs(fields: Fields, tool: "create" | "update"): Readonly<Record<string, z.ZodType>> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => {
      const input = field.input.optional();
      const description = field[tool];
      return [name, description === undefined ? input : input.describe(description)];
    }),
  );
}

/** The value of each field that is set in a row. */
export function readFields<Table extends Fields>(fields: Table, row: Values, timeZone: string): Outputs<Table>;
export function readFields(fields: Fields, row: Values, timeZone: string): Values {
  const values: Record<string, unknown> = {};
  for (const [name, field] of entriesOf(fields)) {
    const value = field.read === undefined ? row[name] : field.read(row, timeZone);
    if (value !== undefined && value !== null) values[name] = value;
  }
  return values;
}

/** What the columns are set to of the fields that are given a value, and of those that are emptied. */
export function writeFields(fields: Fields, values: Values, emptied: readonly string[]): Values {
  const written = Object.entries(fields).flatMap(([name, { write, empty }]) => {
    const value = emptied.includes(name) ? empty : values[name];
    if (value === undefined) return [];
    return write === undefined ? [[name, value]] : Object.entries(write(value));
  });
  return Object.fromEntries(written);
}

/** What a line says of each field that is not empty. */
export function tellFields(fields: Fields, values: Values): string[] {
  const told: string[] = [];
  for (const [name, field] of entriesOf(fields)) {
    const value = values[name];
    if (field.line !== undefined && !isEmpty(field, value)) told.push(field.line(value));
  }
  return told;
}

/** What a list has of each field that is not empty. */
export function listFields<Table extends Fields>(fields: Table, values: Values): Listed<Table>;
export function listFields(fields: Fields, values: Values): Values {
  const listed: Record<string, unknown> = {};
  for (const [name, field] of entriesOf(fields)) {
    const value = values[name];
    if (field.list !== undefined && !isEmpty(field, value)) listed[name] = value;
  }
  return listed;
}

/** What the fields that a list has cost a model at most, in tokens. */
export function weighFields(fields: Fields, values: Values): number {
  let weight = 0;
  for (const [name, field] of entriesOf(fields)) {
    const value = values[name];
    if (field.list !== undefined && !isEmpty(field, value)) weight += field.list.weigh(value);
  }
  return weight;
}

const entries = new WeakMap<Fields, readonly (readonly [name: string, field: Field])[]>();

/** A page of tasks goes over the same table hundreds of times. */
function entriesOf(fields: Fields): readonly (readonly [name: string, field: Field])[] {
  const known = entries.get(fields);
  if (known !== undefined) return known;
  const made = Object.entries(fields);
  entries.set(fields, made);
  return made;
}

function isEmpty({ empty }: Field, value: unknown): boolean {
  return value === undefined || value === empty || (Array.isArray(value) && value.length === 0);
}
