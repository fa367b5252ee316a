import type { z } from "zod";
import { type DeploymentAnswer, parseJson } from "../deployment.ts";
import { RunbookError } from "../runbook-error.ts";

/**
 * Reads an answer that must be what was expected.
 *
 * @throws RunbookError with what came instead
 */
export function answered<Schema extends z.ZodType>(
  { status, text }: DeploymentAnswer,
  what: string,
  expected: number,
  schema: Schema,
): z.output<Schema> {
  if (status !== expected) throw new RunbookError(`${what}: ${status} and not ${expected}: ${text.slice(0, 200)}`);
  const body = schema.safeParse(parseJson(text));
  if (!body.success) throw new RunbookError(`${what}: an answer of another shape: ${text.slice(0, 200)}`);
  return body.data;
}

/** @throws RunbookError saying what is not as it should be */
export function expectThat(condition: boolean, otherwise: string): void {
  if (!condition) throw new RunbookError(otherwise);
}
