import * as z from "zod";
import { describeDatabaseError } from "../database/database-error.ts";
import { ApplicationError } from "../errors.ts";

/** Messages of the runtime that quote nothing of what was being worked on. */
const RUNTIME_MESSAGES = [
  /^Cannot (read|set) properties of (undefined|null)/,
  /^[\w$.]+ is not (a function|iterable|defined|a constructor)$/,
  /^Network connection lost\.?$/,
  /^fetch failed$/,
  /^connect E[A-Z]+\b/,
  /^internal error; reference = /,
  /^(The |A call to a )?Durable Object /,
];

const RUNTIME_EXCEPTIONS = ["TimeoutError", "AbortError"];
const LONGEST_MESSAGE = 300;
const STACK_FRAME = /^ +at (.*:\d+:\d+\)?)$/;

// OpenAI's errors carry a status, Node's a code; both are the sender's own words only when they look like this.
const errorCodesSchema = z.object({
  status: z.int().optional().catch(undefined),
  code: z
    .string()
    .regex(/^\w{1,40}$/)
    .optional()
    .catch(undefined),
});

/**
 * What may be written down of an error: its class and what kind of failure it is. A message is kept only where it is
 * known to quote nothing, because messages of Postgres, of a parser or of a provider can hold what a person has typed.
 */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return `a thrown ${typeof error}`;
  const details = detailsOf(error);
  return details === "" ? error.name : `${error.name}: ${details}`;
}

/** The part of `describeError` that stands for the message; empty where the class says all. */
export function detailsOf(error: Error): string {
  return describeDatabaseError(error) ?? messageOf(error) ?? codesOf(error);
}

/** An error and what caused it, the outermost first. */
export function causesOf(error: unknown): unknown[] {
  const causes = [error];
  for (
    let cause = error;
    cause instanceof Error && cause.cause !== undefined && causes.length < 10;
    cause = cause.cause
  )
    causes.push(cause.cause);
  return causes;
}

/** Where an error was thrown: `function (file:line:column)`, from its stack; undefined where that says nothing. */
export function throwerOf(error: unknown): string | undefined {
  return stackFramesOf(error)[0];
}

/** The lines of a stack without the message, which stands above them and may look like anything. */
export function stackFramesOf(error: unknown): string[] {
  if (!(error instanceof Error) || error.stack === undefined) return [];
  const messageStart = Math.max(0, error.stack.indexOf(error.message));
  const lines = error.stack.slice(messageStart + error.message.length).split("\n");
  return lines.flatMap((line) => STACK_FRAME.exec(line)?.[1] ?? []);
}

function messageOf(error: Error): string | undefined {
  if (error instanceof z.ZodError)
    return error.issues.map(({ code, path }) => `${code} at ${path.join(".")}`).join(", ");
  const isSafe =
    error instanceof ApplicationError ||
    (error instanceof DOMException && RUNTIME_EXCEPTIONS.includes(error.name)) ||
    RUNTIME_MESSAGES.some((message) => message.test(error.message));
  return isSafe ? error.message.split("\n", 1).join("").slice(0, LONGEST_MESSAGE) : undefined;
}

function codesOf(error: Error): string {
  const { status, code } = errorCodesSchema.parse(error);
  return [status, code].filter((part) => part !== undefined).join(" ");
}
