import type { Command } from "./command.ts";

const COMMON = [
  "Every command:",
  "  --env staging|production   which environment (default: production)",
  "  --env-file <path>          where settings stand that the process's environment does not have (default: .env.<env>)",
  "  --config <path>            wrangler's configuration, in TOML (default: wrangler.toml)",
  "  --url <url>                where the worker is reached (default: BASE_URL of the environment)",
  "  --dry-run                  look at everything, change nothing",
  "  --json                     one JSON object on standard output; progress on standard error",
  "  --help                     the options of a command",
  "",
  "Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 a release was rolled back.",
  "",
];

/** What `--help` says. */
export function usage(commands: Readonly<Record<string, Command>>): string {
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(14)} ${summary}`);
  return ["npm run runbook -- <command> [options]", "", ...lines, "", ...COMMON].join("\n");
}

/** What `<command> --help` says. */
export function usageOf(name: string, { summary, usage: lines, argument }: Command): string {
  const own = lines.length === 0 ? [] : [...lines.map((line) => `  ${line}`), ""];
  const call = [name, argument, "[options]"].filter((word) => word !== undefined).join(" ");
  return [`npm run runbook -- ${call}`, `  ${summary}`, "", ...own, ...COMMON].join("\n");
}
