import type * as z from "zod";
import type { UserDatabase } from "../database/user-database.ts";
import { effectOfReading } from "./call-effect.ts";
import type { RunnableTool, ToolContext, ToolDeclaration } from "./tool.ts";
import { readToolInput } from "./tool-input.ts";

interface ReadingToolDeclaration<Input extends z.ZodObject, Output extends z.ZodObject>
  extends Omit<ToolDeclaration<Input>, "annotations"> {
  readonly output: Output;
  /** Does it, with one request to the database. */
  readonly run: (input: z.output<Input>, database: UserDatabase, context: ToolContext) => Promise<z.output<Output>>;
  /** The output as compact text for a person or a model. */
  readonly toText: (output: z.output<Output>, input: z.output<Input>) => string;
}

/** Declares a tool that only reads, once for every interface. */
export function defineReadingTool<Input extends z.ZodObject, Output extends z.ZodObject>({
  run,
  toText,
  ...declaration
}: ReadingToolDeclaration<Input, Output>): RunnableTool {
  return {
    ...declaration,
    scope: "tasks:read",
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    foresee: (given) => effectOfReading(declaration.input, readToolInput(declaration.input, given)),
    async execute(input, context) {
      const asked = readToolInput(declaration.input, input);
      const structured = await run(asked, context.database, context);
      return { structured, toText: () => toText(structured, asked), changes: [] };
    },
  };
}
