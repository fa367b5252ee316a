import { createHash } from "node:crypto";
import * as z from "zod";
import { type CallIdentity, KeyInUse, type UserDatabase } from "../database/user-database.ts";
import { ApplicationError } from "../errors.ts";
import type { TasksChanged } from "../tasks/change-tasks.ts";
import type { Task } from "../tasks/task.ts";
import { readTaskChanges, type TaskChange } from "../tasks/task-change.ts";
import { text } from "../text.ts";
import { effectOfWriting } from "./call-effect.ts";
import { idempotencyKeySchema } from "./idempotency-key.ts";
import { resultText, taskResultSchema } from "./task-result.ts";
import { taskLine } from "./task-text.ts";
import type { RunnableTool, ToolAnnotations, ToolContext, ToolDeclaration } from "./tool.ts";
import { readToolInput } from "./tool-input.ts";

const REPLAYED = "This key was used before; nothing was done now. That call:";

/** The key that every tool which changes tasks takes. */
const keySchema = idempotencyKeySchema
  .optional()
  .describe("Any unique text. The same call with it again within 24 hours does nothing and answers the same.");

const noteSchema = text({ minimum: 1, maximum: 500, isComposed: true })
  .optional()
  .describe("What was done or decided, for the next one who looks.");

/** What every tool that changes tasks takes beside what it does. */
export const callInputs = { note: noteSchema, idempotency_key: keySchema };

/** The version that a tool expects of the task it changes. */
export const expectedVersionSchema = z
  .int()
  .min(1)
  .max(2_147_483_647)
  .optional()
  .describe("Only if this is still its version.");

/** What the tools take as well that change a task which is there. */
export const claimInput = z
  .int()
  .min(1)
  .max(Number.MAX_SAFE_INTEGER)
  .optional()
  .describe("The number of your claim: the change that made it.");

type CallInput = z.ZodObject &
  z.ZodType<{ [Name in keyof typeof callInputs]?: string | undefined } & { readonly claim?: number | undefined }>;

interface WritingToolDeclaration<Input extends CallInput> extends Omit<ToolDeclaration<Input>, "annotations"> {
  readonly annotations: Pick<ToolAnnotations, "destructiveHint" | "idempotentHint">;
  /** Does it, with one request to the database. */
  readonly run: (
    input: z.output<Input>,
    database: UserDatabase,
    call: CallIdentity,
    context: Pick<ToolContext, "isConfirmed">,
  ) => Promise<WritingRun>;
  /** Whether a person must say yes before an agent does this; without it none must. */
  readonly confirm?: (input: z.output<Input>) => boolean;
  /** What was done, in words that a task follows: Created. */
  readonly done: string | ((input: z.output<Input>) => string);
  /** What is said where no task changed. */
  readonly unchanged?: string;
  /** How many tasks it changes at most that it does not name; one where nothing is said of it. */
  readonly asksFor?: (input: z.output<Input>) => number | undefined;
  /** What of each task was changed, such as `changed title, due`. */
  readonly describeEdit?: (input: z.output<Input>, task: Task) => string;
  /** Whether the number of the change is that of a claim, which the text then says. */
  readonly isClaim?: (input: z.output<Input>) => boolean;
}

/** What a tool made of the tasks, and what it says of that beside what it always says. */
interface WritingRun extends TasksChanged {
  /** What was done to each task, or is to be known of it, by its id. */
  readonly remarks?: ReadonlyMap<number, string>;
  /** What the tasks do not say, such as why none changed. */
  readonly comment?: string | undefined;
}

/**
 * Declares a tool that changes tasks, once for every interface. Every one takes `callInputs`, and answers with
 * the tasks as it left them; of a task that was deleted, as it was.
 */
export function defineWritingTool<Input extends CallInput>({
  run,
  done,
  unchanged,
  describeEdit,
  isClaim,
  asksFor,
  confirm,
  annotations,
  ...declaration
}: WritingToolDeclaration<Input>): RunnableTool {
  return {
    ...declaration,
    output: taskResultSchema,
    scope: "tasks:write",
    annotations: { readOnlyHint: false, ...annotations, openWorldHint: false },
    foresee(given) {
      const input = readToolInput(declaration.input, given);
      return effectOfWriting(declaration.input, input, confirm?.(input) ?? false, asksFor?.(input));
    },
    async execute(given, { database, idempotencyKey, fallbackKey, versions, overrides, isConfirmed }) {
      const input = readToolInput(declaration.input, given);
      const { idempotency_key: keyInInput, ...hashed } = input;
      const key = oneKey(keyInInput, idempotencyKey) ?? fallbackKey;
      const call = {
        ...{ tool: declaration.name, key, inputHash: hash(hashed), versions, overrides },
        ...{ note: input.note, claim: input.claim },
      };
      const { tasks, changes, change, isReplay, isFirstTold, remarks, comment } = await run(input, database, call, {
        isConfirmed,
      }).catch((error: unknown) => {
        throw error instanceof KeyInUse ? keyInUse(error) : error;
      });
      const verb = typeof done === "string" ? done : done(input);
      const shortened = changes.some(({ isShortened }) => isShortened) ? shortenedNote(verb, changes) : undefined;
      const said = isReplay
        ? `${REPLAYED} ${shortened ?? verb}`
        : changes.length === 0
          ? (comment ?? unchanged)
          : shortened;
      const result = {
        tasks: shortened === undefined ? [...tasks] : [],
        ...(isReplay && { replayed: true as const }),
        ...(said !== undefined && { note: said }),
        ...(change !== undefined && { change }),
      };
      const describe = (task: Task) => (changes.length === 0 ? "" : (describeEdit?.(input, task) ?? ""));
      const tell = (task: Task) => [describe(task), remarks?.get(task.id)].filter(Boolean).join(" · ");
      const text = resultText(verb, result, tell, isClaim?.(input));
      const note = changes.length === 0 || comment === undefined ? said : [said, comment].filter(Boolean).join(" ");
      return {
        structured: { ...result, ...(note !== undefined && { note }) },
        text,
        changes: isFirstTold ? changes : [],
      };
    },
  };
}

/** What is said in place of tasks that are no longer kept whole. */
function shortenedNote(done: string, changes: readonly TaskChange[]): string {
  const lines = changes.map(({ task }) => taskLine(task));
  return `${done} ${lines.join("; ")}. The rest of that answer is no longer kept; get_task has a task as it is now.`;
}

/** @throws ApplicationError `invalid_input` for two keys */
function oneKey(inInput: string | undefined, beside: string | undefined): string | undefined {
  if (inInput !== undefined && beside !== undefined && inInput !== beside) {
    throw keyError("invalid_input", "differs from the Idempotency-Key header; send one of the two");
  }
  return inInput ?? beside;
}

/** SHA-256 in hex of an input that a schema has put in order. */
function hash(input: unknown): string {
  return createHash("sha256").update(JSON.stringify(input)).digest("hex");
}

function keyInUse({ tool, outcome, timeZone }: KeyInUse): ApplicationError {
  const first = readTaskChanges(outcome, timeZone).map(({ task }) => taskLine(task));
  return keyError(
    "conflict",
    `was used for another call of ${tool}: ${first.join("; ")}. Nothing was done now: repeat that call unchanged, or use a new key`,
  );
}

function keyError(kind: "conflict" | "invalid_input", message: string): ApplicationError {
  return new ApplicationError(kind, `idempotency_key ${message}`, { fields: [{ field: "idempotency_key", message }] });
}
