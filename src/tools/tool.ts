import type * as z from "zod";
import type { Caller, Scope } from "../caller.ts";
import type { CursorSettings } from "../cursor.ts";
import type { UserDatabase } from "../database/user-database.ts";
import type { Logger } from "../observability/log.ts";
import type { MatchedTasks } from "../tasks/match-tasks.ts";
import type { TaskChange } from "../tasks/task-change.ts";

/** How many tasks an agent may change before the person is asked. */
export const CHANGES_WITHOUT_APPROVAL = 5;

/** What a tool is run with: whom it acts for, and the way to their tasks. */
export interface ToolContext {
  readonly caller: Caller;
  readonly database: UserDatabase;
  readonly log: Logger;
  readonly cursorSettings: CursorSettings;
  /** Aborted once nobody waits for this call: it is not carried out then, unless its request was sent. */
  readonly signal?: AbortSignal | undefined;
  /** The key that came beside the input, such as HTTP's Idempotency-Key. */
  readonly idempotencyKey?: string | undefined;
  /** The key of a call that brings none of its own. */
  readonly fallbackKey?: string | undefined;
  /** The versions of the tasks that the person was shown who has said yes to it, by their ids; undefined for any. */
  readonly versions?: ReadonlyMap<number, number> | undefined;
  /** The live claims that the person was shown who has said yes to it, by the ids of their tasks: the call overrides them. */
  readonly overrides?: ReadonlyMap<number, number> | undefined;
  /** Whether the person has said yes to this very call; undefined where the interface does not ask. */
  readonly isConfirmed?: boolean | undefined;
}

/** All four hints of MCP's ToolAnnotations, each of them said. */
export interface ToolAnnotations {
  readonly readOnlyHint: boolean;
  readonly destructiveHint: boolean;
  readonly idempotentHint: boolean;
  readonly openWorldHint: boolean;
}

/** What a tool answers: once as data that fits its output schema, once as text. */
export interface ToolResult {
  readonly structured: Record<string, unknown>;
  /** Makes the text, which not every interface has a use for. */
  readonly toText: () => string;
}

/** A tool's answer, and what the gate counts and tells of it. */
interface ToolRun extends ToolResult {
  /** What changed; nothing where it only read, or where the caller had made the same call before. */
  readonly changes: readonly TaskChange[];
}

/** JSON Schema 2020-12 of an object. */
export type ObjectJsonSchema = z.core.JSONSchema.ObjectSchema;

/** What every tool says of itself. */
export interface ToolDeclaration<Input extends z.ZodObject> {
  /** snake_case, unique. */
  readonly name: string;
  /** For a person. */
  readonly title: string;
  /** For a model: what it does and when to use it. */
  readonly description: string;
  readonly input: Input;
  /** An input for people who read the API's reference; models are not shown it. */
  readonly example: z.input<Input>;
  readonly annotations: ToolAnnotations;
}

/** A tool as every interface knows it, whatever its input and output. */
export interface Tool extends ToolDeclaration<z.ZodObject> {
  readonly output: z.ZodObject;
  /** What a caller must be allowed to do to run it. */
  readonly scope: Scope;
}

/** What a call would do, for an interface that asks the person first. */
export interface CallEffect {
  /** As the tool's schema has accepted it. */
  readonly input: Readonly<Record<string, unknown>>;
  /** The tasks that it names. */
  readonly taskIds: readonly number[];
  /** Those that it is about by what fits them; undefined where it names them. */
  readonly matched?: MatchedTasks | undefined;
  /** What else it is given, in the order of the tool's schema. */
  readonly details: ReadonlyMap<string, unknown>;
  /** How many tasks it changes at most; 0 where it only reads. */
  readonly changes: number;
  /** Whether a person must say yes before an agent runs it. */
  readonly mustConfirm: boolean;
}

/** A tool as the gate alone has it. */
export interface RunnableTool extends Tool {
  /**
   * What a call with this input would do, without doing it.
   *
   * @throws ApplicationError `invalid_input`
   */
  readonly foresee: (input: unknown) => CallEffect;
  /**
   * Runs the tool, with one request to the database; only `runTool` does.
   *
   * @throws ApplicationError `invalid_input`, and what the tool throws
   */
  readonly execute: (input: unknown, context: ToolContext) => Promise<ToolRun>;
}
