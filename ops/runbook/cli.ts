import type { Command } from "./command.ts";
import { commands } from "./commands.ts";
import { Procedure } from "./procedure.ts";
import { RolledBackError, reasonOf, UsageError } from "./runbook-error.ts";
import { usage, usageOf } from "./usage.ts";

const exitCodes = { succeeded: 0, failed: 1, usage: 2, "rolled back": 3 } as const;

process.exitCode = exitCodes[await main(process.argv.slice(2))];

async function main([name, ...args]: string[]): Promise<keyof typeof exitCodes> {
  if (name === undefined || name === "help" || name === "--help") {
    process.stdout.write(usage(commands));
    return name === undefined ? "usage" : "succeeded";
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    process.stderr.write(
      `${JSON.stringify(name)} is not a command; the commands are ${Object.keys(commands).join(", ")}\n`,
    );
    return "usage";
  }
  if (args.includes("--help")) {
    process.stdout.write(usageOf(name, command));
    return "succeeded";
  }
  let prepared: ReturnType<Command["parse"]>;
  try {
    prepared = command.parse(args);
  } catch (error) {
    process.stderr.write(`${reasonOf(error)}\n`);
    return error instanceof UsageError ? "usage" : "failed";
  }
  const { json, isDryRun, run } = prepared;
  // With --json standard output is for programs alone.
  const progress = json ? process.stderr : process.stdout;
  const procedure = new Procedure(name, { isDryRun, tell: (line) => progress.write(`${line}\n`) });
  let result: unknown;
  let failure: unknown;
  try {
    result = await run(procedure);
  } catch (error) {
    failure = error;
    process.stderr.write(`${reasonOf(error)}\n`);
  }
  const outcome = outcomeOf(failure);
  if (json) {
    const { seconds, steps } = procedure;
    const error = failure === undefined ? {} : { error: reasonOf(failure) };
    process.stdout.write(
      `${JSON.stringify({ command: name, outcome, dry_run: isDryRun, seconds, steps, result, ...error })}\n`,
    );
  } else if (failure === undefined) {
    progress.write(`${name}: ${isDryRun ? "nothing was changed" : "succeeded"}, ${procedure.seconds} s\n`);
  }
  return outcome;
}

function outcomeOf(failure: unknown): keyof typeof exitCodes {
  if (failure === undefined) return "succeeded";
  if (failure instanceof UsageError) return "usage";
  return failure instanceof RolledBackError ? "rolled back" : "failed";
}
