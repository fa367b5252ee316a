import { isAllowed } from "../caller.ts";
import { ApplicationError, errorKinds, toApplicationError } from "../errors.ts";
import { quoteName } from "../excerpt.ts";
import { millisecondsSince } from "../observability/log.ts";
import { logFailure } from "../observability/log-failure.ts";
import { metrics } from "../observability/metrics.ts";
import type { TaskChange } from "../tasks/task-change.ts";
import { runnableTools } from "./runnable-tools.ts";
import type { RunnableTool, Tool, ToolContext, ToolResult } from "./tool.ts";
import { toolNameOf } from "./tool-input.ts";

/**
 * Finds a tool of the catalog, whatever a model has put before its name.
 *
 * @throws ApplicationError `not_found`, naming the tools that there are
 */
export function findTool(called: string): Tool {
  return findRunnableTool(called);
}

/**
 * The one gate to every tool, for every interface: makes sure that the caller may run it, runs it, times, logs and
 * counts it and what it changed, and logs the failures that are not the caller's.
 *
 * @throws ApplicationError and nothing else: `not_found` for an unknown tool, `forbidden` for a scope that the caller
 * lacks, `invalid_input`, and what the tool throws
 */
export async function runTool(called: string, input: unknown, context: ToolContext): Promise<ToolResult> {
  const tool = findRunnableTool(called);
  const { name } = tool;
  const startedAt = performance.now();
  try {
    requireScope(tool, context);
    const { structured, text, changes } = await tool.execute(input, context);
    logExecution(context, name, startedAt);
    countChanges(changes);
    return { structured, text };
  } catch (thrown) {
    const error = toApplicationError(thrown);
    logExecution(context, name, startedAt, error);
    throw error;
  }
}

function findRunnableTool(called: string): RunnableTool {
  const meant = toolNameOf(called);
  const tool = runnableTools.find(({ name }) => name === meant);
  if (tool !== undefined) return tool;
  const known = runnableTools.map(({ name }) => name).join(", ");
  throw new ApplicationError("not_found", `There is no tool ${quoteName(meant)}; the tools are ${known}.`);
}

function requireScope({ name, scope }: Tool, { caller }: ToolContext): void {
  if (isAllowed(caller, scope)) return;
  throw new ApplicationError("forbidden", `${name} needs the scope ${scope}, which this credential does not have.`);
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
  if (isOurs) logFailure(log.with({ tool }), error);
}
