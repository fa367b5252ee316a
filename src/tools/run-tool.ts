import { type Caller, insufficientScope, isAllowed, type Scope } from "../caller.ts";
import { ApplicationError, errorKinds, toApplicationError } from "../errors.ts";
import { quoteName } from "../excerpt.ts";
import { millisecondsSince } from "../observability/log.ts";
import { logFailure } from "../observability/log-failure.ts";
import { metrics } from "../observability/metrics.ts";
import { getTasks } from "../tasks/get-tasks.ts";
import { matchTasks } from "../tasks/match-tasks.ts";
import { reckonedDatabase } from "../tasks/reckoned-database.ts";
import type { TaskChange } from "../tasks/task-change.ts";
import { runnableToolCalled, runnableTools } from "./runnable-tools.ts";
import { taskLine, tellClaim } from "./task-text.ts";
import type { CallEffect, RunnableTool, Tool, ToolContext, ToolResult } from "./tool.ts";
import { toolNameOf } from "./tool-input.ts";

/** A call that can run: its tool, and what it would do. */
export interface PlannedCall extends CallEffect {
  readonly tool: Tool;
}

/**
 * Says what a call would do, and whether a person must say yes to it first, without running it.
 *
 * @throws ApplicationError `not_found`, naming the tools that there are; `invalid_input`
 */
export function planCall(called: string, input: unknown): PlannedCall {
  const tool = findTool(called);
  return { tool, ...tool.foresee(input) };
}

/** A task as a question names it. */
export interface NamedTask {
  readonly id: number;
  readonly title: string;
  /** Who holds a live claim of it, and until when. */
  readonly claimed?: string | undefined;
}

/** A task as it is when a question about it is asked. */
export interface AskedTask extends NamedTask {
  readonly version: number;
  /** The number of its claim, while that is live. */
  readonly claim: number | undefined;
  /** All that stands in a list of it, for a person. */
  readonly line: string;
}

/**
 * Reads the tasks that a call names or matches, for a question about it. No tool runs here, so none is counted.
 *
 * @throws ApplicationError `not_found` for a task that does not exist or is another user's; `forbidden` without the
 * scope to read
 */
export async function readNamedTasks(
  { taskIds, matched }: Pick<CallEffect, "taskIds" | "matched">,
  { caller, database, log }: ToolContext,
): Promise<readonly AskedTask[]> {
  requireScope("A question about tasks", "tasks:read", caller);
  try {
    const read = matched === undefined ? getTasks(database, taskIds) : matchTasks(database, matched);
    return (await read).map(({ task, claim }) => ({
      ...{ id: task.id, title: task.title, version: task.version, claim, line: taskLine(task) },
      claimed: claim === undefined ? undefined : tellClaim(task),
    }));
  } catch (thrown) {
    const error = toApplicationError(thrown);
    if (errorKinds[error.kind].owner !== "caller") logFailure(log, error);
    throw error;
  }
}

/**
 * The one gate to every tool, for every interface: makes sure that the caller may run it, runs it, times, logs and
 * counts it and what it changed, and logs the failures that are not the caller's.
 *
 * @throws ApplicationError and nothing else: `not_found` for an unknown tool, `forbidden` for a scope that the caller
 * lacks or a yes that the person has not given, `invalid_input`, `conflict` where it was given up in time, and what the
 * tool throws
 */
export async function runTool(called: string, input: unknown, context: ToolContext): Promise<ToolResult> {
  const tool = findTool(called);
  const { name } = tool;
  const startedAt = performance.now();
  try {
    requireScope(name, tool.scope, context.caller);
    if (context.isConfirmed === false && tool.foresee(input).mustConfirm) {
      throw new ApplicationError("forbidden", `${name} needs the person's approval first.`);
    }
    const { database, signal } = context;
    const bound = { ...context, database: reckonedDatabase(signal === undefined ? database : database.until(signal)) };
    const { structured, toText, changes } = await tool.execute(input, bound);
    logExecution(context, name, startedAt);
    countChanges(changes);
    return { structured, toText };
  } catch (thrown) {
    const error = toApplicationError(thrown);
    logExecution(context, name, startedAt, error);
    throw error;
  }
}

/** Finds a tool, whatever a model has put before its name. */
function findTool(called: string): RunnableTool {
  const tool = runnableToolCalled(called);
  if (tool !== undefined) return tool;
  const known = runnableTools.map(({ name }) => name).join(", ");
  throw new ApplicationError("not_found", `There is no tool ${quoteName(toolNameOf(called))}; the tools are ${known}.`);
}

function requireScope(what: string, scope: Scope, caller: Caller): void {
  if (isAllowed(caller, scope)) return;
  throw insufficientScope([what], [scope], caller);
}

function countChanges(changes: readonly TaskChange[]): void {
  const created = changes.filter(({ operation }) => operation === "insert").length;
  const completed = changes.filter(({ isCompletion }) => isCompletion).length;
  if (created > 0) metrics.count("tasks_created_total", {}, created);
  if (completed > 0) metrics.count("tasks_completed_total", {}, completed);
}

function logExecution({ log, caller }: ToolContext, tool: string, startedAt: number, error?: ApplicationError): void {
  const isOurs = error !== undefined && errorKinds[error.kind].owner !== "caller";
  const status = error?.kind ?? "success";
  const milliseconds = millisecondsSince(startedAt);
  log[isOurs ? "error" : "info"]("tool_execution", {
    tool,
    status,
    user_id: caller.userId,
    duration_ms: milliseconds,
  });
  metrics.count("tool_executions_total", { tool, status });
  metrics.observe("tool_execution_duration_seconds", { tool }, milliseconds / 1000);
  if (error !== undefined) logFailure(log.with({ tool }), error);
}
