import type { Command } from "./command.ts";
import { commands } from "./commands.ts";
import { Procedure } from "./procedure.ts";
import { reasonOf, TakenBackError, UsageError } from "./runbook-error.ts";

const exitCodes = { succeeded: 0, failed: 1, usage: 2, "taken back": 3 } as const;

process.exitCode = exitCodes[await main(process.argv.slice(2))];

async function main([name, ...args]: string[]): Promise<keyof typeof exitCodes> {
  if (name === undefined || name === "help" || name === "--help") {
    process.stdout.write(usage());
    return name === undefined ? "usage" : "succeeded";
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    process.stderr.write(`${JSON.stringify(name)} is not a command: ${Object.keys(commands).join(", ")}\n`);
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
  return failure instanceof TakenBackError ? "taken back" : "failed";
}

function usage(): string {
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(11)} ${summary}`);
  return [
    "npm run runbook -- <command> [options]",
    "",
    ...lines,
    "",
    "Every command:",
    "  --env staging|production   production",
    "  --env-file <path>          what it reads beside the environment; .env.<env>",
    "  --config <path>            another wrangler configuration",
    "  --url <url>                another address than BASE_URL",
    "  --dry-run                  look at everything, change nothing",
    "  --json                     one JSON object on standard output; progress on standard error",
    "  --help                     the options of a command",
    "",
    "Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 a release was taken back.",
    "",
  ].join("\n");
}

function usageOf(name: string, { summary, usage: lines }: Command): string {
  return [`npm run runbook -- ${name} [options]`, `  ${summary}`, "", ...lines.map((line) => `  ${line}`), ""].join(
    "\n",
  );
}
