import { ApplicationError, errorKinds, toApplicationError } from "../errors.ts";
import { millisecondsSince } from "../observability/log.ts";
import { logFailure } from "../observability/log-failure.ts";
import { metrics } from "../observability/metrics.ts";
import { catalog } from "./catalog.ts";
import type { ToolContext, ToolResult } from "./tool.ts";

/**
 * The one gate to every tool, for every face: validates the input, runs the tool for the caller, times, logs and counts it, and
 * logs the failures that are not the caller's.
 *
 * @throws ApplicationError and nothing else: `not_found` for an unknown tool, `invalid_input`, and what the tool throws
 */
export async function runTool(name: string, input: unknown, context: ToolContext): Promise<ToolResult> {
  const tool = catalog.find((candidate) => candidate.name === name);
  if (tool === undefined) {
    const known = catalog.map((candidate) => candidate.name).join(", ");
    throw new ApplicationError("not_found", `Unknown tool; the tools are ${known}`);
  }
  const startedAt = performance.now();
  try {
    const result = await tool.execute(input, context);
    logExecution(context, name, startedAt);
    return result;
  } catch (thrown) {
    const error = toApplicationError(thrown);
    logExecution(context, name, startedAt, error);
    throw error;
  }
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
