import type * as z from "zod";
import type { Caller } from "../caller.ts";
import type { Database } from "../database/database.ts";
import { parseInput } from "../input.ts";
import type { Logger } from "../observability/log.ts";

/** What a tool works with: whom it acts for, and the way to his tasks. */
export interface ToolContext {
  readonly caller: Caller;
  readonly database: Database;
  readonly log: Logger;
}

/** All four hints of MCP's ToolAnnotations, each of them said. */
export interface ToolAnnotations {
  readonly readOnlyHint: boolean;
  readonly destructiveHint: boolean;
  readonly idempotentHint: boolean;
  readonly openWorldHint: boolean;
}

interface ToolDeclaration<Input extends z.ZodObject, Output extends z.ZodObject> {
  /** snake_case, unique. */
  readonly name: string;
  /** For a person. */
  readonly title: string;
  /** For a model: what it does and when to use it. */
  readonly description: string;
  readonly input: Input;
  readonly output: Output;
  readonly annotations: ToolAnnotations;
  /** Does it, with one request to the database. */
  readonly run: (input: z.output<Input>, context: ToolContext) => Promise<z.output<Output>>;
  /** The output as compact text for a person or a model, with all that it takes to go on: many clients show only this. */
  readonly toText: (output: z.output<Output>, input: z.output<Input>) => string;
}

/** What a tool answers: once as data that fits its output schema, once as text. */
export interface ToolResult {
  readonly structured: Record<string, unknown>;
  readonly text: string;
}

/** JSON Schema 2020-12 of an object. */
export type ObjectJsonSchema = z.core.JSONSchema.ObjectSchema;

/** A tool as the catalog holds it, whatever its input and output. */
export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly input: z.ZodObject;
  readonly output: z.ZodObject;
  readonly annotations: ToolAnnotations;
  /** @throws ApplicationError `invalid_input`, and what the run throws */
  readonly execute: (input: unknown, context: ToolContext) => Promise<ToolResult>;
}

/** Declares a tool, once for every face. */
export function defineTool<Input extends z.ZodObject, Output extends z.ZodObject>({
  run,
  toText,
  ...declaration
}: ToolDeclaration<Input, Output>): Tool {
  return {
    ...declaration,
    async execute(input, context) {
      const parsed = parseInput(declaration.input, input);
      const structured = await run(parsed, context);
      return { structured, text: toText(structured, parsed) };
    },
  };
}
