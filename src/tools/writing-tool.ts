import { createHash } from "node:crypto";
import type * as z from "zod";
import { type CallIdentity, KeyInUse, type UserDatabase } from "../database/user-database.ts";
import { type ApplicationError, refusedField } from "../errors.ts";
import { listFirst, MOST_NAMED } from "../excerpt.ts";
import type { SeveralOptions } from "../tasks/change-several.ts";
import type { TasksChanged } from "../tasks/change-tasks.ts";
import type { MatchedTasks } from "../tasks/match-tasks.ts";
import type { Task } from "../tasks/task.ts";
import { readTaskChanges, type TaskChange } from "../tasks/task-change.ts";
import { effectOfWriting } from "./call-effect.ts";
import type { callInputs } from "./call-inputs.ts";
import { tellNext } from "./next-occurrence.ts";
import { taskResultSchemas, tellResult } from "./task-result.ts";
import { taskLine } from "./task-text.ts";
import type { RunnableTool, ToolAnnotations, ToolContext, ToolDeclaration } from "./tool.ts";
import { readToolInput } from "./tool-input.ts";

const NOTHING = "Nothing was changed.";

const REPLAYED = "This key was used before; nothing was done now.";

type CallInput = z.ZodObject &
  z.ZodType<
    { [Name in keyof typeof callInputs]?: string | undefined } & {
      readonly claim?: number | undefined;
      readonly atomic?: boolean | undefined;
    }
  >;

interface WritingToolDeclaration<Input extends CallInput> extends Omit<ToolDeclaration<Input>, "annotations"> {
  readonly annotations: Pick<ToolAnnotations, "destructiveHint" | "idempotentHint">;
  /** Does it, with one request to the database. */
  readonly run: (
    input: z.output<Input>,
    database: UserDatabase,
    call: CallIdentity,
    options: WritingOptions,
  ) => Promise<WritingRun>;
  /** Whether a person must say yes before an agent does this; without it none must. */
  readonly confirm?: (input: z.output<Input>) => boolean;
  /** What is answered of each task: `ended` where they are done with after. */
  readonly answers: keyof typeof taskResultSchemas;
  /** What was done, in words that a task follows: Created. */
  readonly done: string | ((input: z.output<Input>) => string);
  /** What is said where no task changed. */
  readonly unchanged?: string;
  /** The tasks that it is about by what fits them; undefined where it names them. */
  readonly matches?: (input: z.output<Input>) => MatchedTasks | undefined;
  /** How many tasks it changes at most that it does not name; one where nothing is said of it. */
  readonly asksFor?: (input: z.output<Input>) => number | undefined;
  /** What of each task was changed, such as `changed title, due`. */
  readonly describeEdit?: (input: z.output<Input>, task: Task) => string;
  /** Whether the number of the change is that of a claim, which the text then says. */
  readonly isClaim?: (input: z.output<Input>) => boolean;
}

/** How a call is made beside its input. */
interface WritingOptions extends SeveralOptions, Pick<ToolContext, "isConfirmed"> {}

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
  answers,
  done,
  unchanged: asBefore,
  describeEdit,
  isClaim,
  asksFor,
  matches,
  confirm,
  annotations,
  ...declaration
}: WritingToolDeclaration<Input>): RunnableTool {
  return {
    ...declaration,
    output: taskResultSchemas[answers],
    scope: "tasks:write",
    annotations: { readOnlyHint: false, ...annotations, openWorldHint: false },
    foresee(given) {
      const input = readToolInput(declaration.input, given);
      const matched = matches?.(input);
      const effect = effectOfWriting(
        declaration.input,
        input,
        confirm?.(input) ?? false,
        matched?.expectCount ?? asksFor?.(input),
      );
      return { ...effect, matched };
    },
    async execute(given, { database, idempotencyKey, fallbackKey, versions, overrides, isConfirmed }) {
      const input = readToolInput(declaration.input, given);
      const { idempotency_key: keyInInput, ...hashed } = input;
      const key = oneKey(keyInInput, idempotencyKey) ?? fallbackKey;
      const call = {
        ...{ tool: declaration.name, key, inputHash: hash(hashed), versions, overrides },
        ...{ note: input.note, claim: input.claim },
      };
      const asksPerson = isConfirmed !== undefined;
      const options = { isConfirmed, asksPerson, isAtomic: input.atomic ?? false };
      const ran = await run(input, database, call, options).catch((error: unknown) => {
        throw error instanceof KeyInUse ? keyInUse(error) : error;
      });
      const { tasks, changes, change, isReplay, isFirstTold, remarks, comment, failed, unchanged = new Set() } = ran;
      const verb = typeof done === "string" ? done : done(input);
      const shortened = changes.some(({ isShortened }) => isShortened) ? shortenedNote(verb, changes) : undefined;
      const said = isReplay || changes.length > 0 ? shortened : (comment ?? (tasks.length > 0 ? asBefore : NOTHING));
      const before = isReplay ? `${REPLAYED} That call:` : undefined;
      const describe = (task: Task) =>
        changes.length === 0 || unchanged.has(task.id) ? "" : (describeEdit?.(input, task) ?? "");
      const next = tellNext(changes);
      const { structured, toText, unlisted } = tellResult({
        ...{ tasks: shortened === undefined ? tasks : [], answers, change, verb, before, said, failed, unchanged },
        describe: (task) =>
          [describe(task), remarks?.get(task.id), next.remarks.get(task.id)].filter(Boolean).join(" · "),
        isClaim: isClaim?.(input) ?? false,
      });
      // What was so before is not kept with the key.
      const wereSo = isReplay ? tellWereSo([...unchanged]) : "";
      const remark = [changes.length > 0 && comment, next.comment, wereSo, unlisted].filter(Boolean).join(" ");
      // What tasks follow in a text stands alone here.
      const alone =
        isReplay && shortened === undefined
          ? `${REPLAYED} This is what that call answered.`
          : [before, said?.replace(/:$/, ".")].filter((part) => part !== undefined).join(" ") || undefined;
      const note = remark === "" ? alone : [alone, remark].filter(Boolean).join(" ");
      return {
        structured: {
          ...structured,
          ...(isReplay && { replayed: true }),
          ...(note !== undefined && { note }),
          ...(change !== undefined && { change }),
        },
        toText: () => (wereSo === "" ? toText() : `${toText()}\n${wereSo}`),
        changes: isFirstTold ? changes : [],
      };
    },
  };
}

/** Says of tasks that they were so before. */
function tellWereSo(ids: readonly number[]): string {
  const told = ids.slice(0, MOST_NAMED).map((id) => `#${id} was so before.`);
  const more = ids.length - told.length;
  return [...told, ...(more > 0 ? [`So were ${more} more.`] : [])].join(" ");
}

/** The lines of the tasks that a call has changed, as many as an answer names. */
function listChanged(changes: readonly TaskChange[]): string {
  return listFirst(changes, ({ task }) => taskLine(task));
}

/** What is said in place of tasks that are no longer kept whole. */
function shortenedNote(done: string, changes: readonly TaskChange[]): string {
  return `${done} ${listChanged(changes)}. The rest of that answer is no longer kept; get_task has a task as it is now.`;
}

/** @throws ApplicationError `invalid_input` for two keys */
function oneKey(inInput: string | undefined, beside: string | undefined): string | undefined {
  if (inInput !== undefined && beside !== undefined && inInput !== beside) {
    throw refusedField(
      "invalid_input",
      "idempotency_key",
      "differs from the Idempotency-Key header; send one of the two",
    );
  }
  return inInput ?? beside;
}

/** SHA-256 in hex of an input that a schema has put in order. */
function hash(input: unknown): string {
  return createHash("sha256").update(JSON.stringify(input)).digest("hex");
}

function keyInUse({ tool, outcome, timeZone }: KeyInUse): ApplicationError {
  const first = listChanged(readTaskChanges(outcome, timeZone));
  return refusedField(
    "conflict",
    "idempotency_key",
    `was used for another call of ${tool}: ${first}. Nothing was done now: repeat that call unchanged, or use a new key`,
  );
}
