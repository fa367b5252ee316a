import type { PgColumnBuilderBase } from "drizzle-orm/pg-core";
import type * as z from "zod";

/** How the tools take a field and tell it. */
interface Told<Value> {
  readonly input: z.ZodType;
  /** What `create_task` says of it to a model. */
  readonly create: string;
  /** What `update_task` says of it to a model beside its name. */
  readonly update?: string;
  /** How it stands in the line of a task, where it is not empty: `high priority`. */
  readonly line?: (value: Value) => string;
  /** How a list has it, where it is not empty, and what its JSON costs a model at most, in tokens. Not every field is in a list. */
  readonly list?: { readonly schema: z.ZodType; readonly weigh: (value: Value) => number };
}

/** Nothing but what is known: TypeScript does not look for a misspelt property in a type that it infers. */
type Only<Known, Given> = Given & { readonly [Name in Exclude<keyof Given, keyof Known>]: never };

/** A field as a loop over all of them sees it: each is held to its own types where it is declared. */
export interface Field extends Pick<Told<unknown>, "input" | "create" | "update"> {
  readonly output: z.ZodType;
  /** What it is where nobody has set it; absent where it cannot be emptied. */
  readonly empty?: unknown;
  readonly list?: { readonly schema: z.ZodType; weigh(value: unknown): number };
  line?(value: unknown): string;
  /** From its columns to its value, and back; absent where the one column of its name has it as it is. */
  read?(row: unknown, timeZone: string): unknown;
  write?(value: unknown): object;
}

/**
 * A field that every task has, kept as it is in a column of its name that is not null.
 *
 * @param value what the column has, also as Postgres' JSON
 * @param told `empty` where it can be emptied. A field that tasks got later has one: what was kept before lacks it
 */
export function setField<
  Column extends PgColumnBuilderBase,
  Value extends z.ZodType<NonNullable<unknown>>,
  Rest extends Told<z.output<Value>>,
>(
  column: Column,
  value: Value,
  told: Only<Told<unknown> & { readonly empty?: unknown }, Rest> & { readonly empty?: z.output<Value> },
) {
  const { empty } = told;
  const kept = empty === undefined ? value : value.optional().transform((is) => is ?? empty);
  return { ...told, column, kept, output: value };
}

/**
 * A field that a task may lack, kept as it is in a column of its name, which is null then.
 *
 * @param value what the column has where it is not null, also as Postgres' JSON
 */
export function optionalField<
  Column extends PgColumnBuilderBase,
  Value extends z.ZodType<NonNullable<unknown>>,
  Rest extends Told<z.output<Value>>,
>(column: Column, value: Value, told: Only<Told<unknown>, Rest>) {
  return {
    ...told,
    column,
    kept: value.nullish().transform(orNull),
    output: value.optional(),
    empty: null,
  };
}

/** What was kept before there was a column as it is in that column now. */
export function orNull<Value>(value: Value | null | undefined): Value | null {
  return value ?? null;
}
