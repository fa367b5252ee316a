import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import type { Procedure } from "./procedure.ts";
import { reasonOf, UsageError } from "./runbook-error.ts";

/** The options that every command has. */
const commonOptions = {
  env: { type: "string" },
  "env-file": { type: "string" },
  config: { type: "string" },
  url: { type: "string" },
  json: { type: "boolean", default: false },
  "dry-run": { type: "boolean", default: false },
} as const satisfies ParseArgsOptionsConfig;

type ValuesOf<Options extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ options: Options & typeof commonOptions; strict: true }>
>["values"];

/** A command of the runbook. */
export interface Command {
  readonly summary: string;
  /** The lines of its options, for a person. */
  readonly usage: readonly string[];
  /** What is named beside the options, such as EMAIL; undefined where nothing is. */
  readonly argument: string | undefined;
  /** Reads the arguments, so that one that does not fit is told before anything is done. */
  parse(args: readonly string[]): {
    readonly json: boolean;
    readonly isDryRun: boolean;
    /** @returns what goes under `result` with `--json` */
    run(procedure: Procedure): Promise<unknown>;
  };
}

interface CommandDefinition<Options extends ParseArgsOptionsConfig> {
  readonly summary: string;
  readonly usage: readonly string[];
  readonly options: Options;
  /** What must be named beside the options, such as EMAIL. */
  readonly argument?: string;
  /** @param argument what was named; empty where nothing is to be */
  run(values: ValuesOf<Options>, procedure: Procedure, argument: string): Promise<unknown>;
  /** Looks at the values before anything is done. */
  check?(values: ValuesOf<Options>, argument: string): void;
}

/** Makes a command whose values have the types of its options. */
export function defineCommand<const Options extends ParseArgsOptionsConfig>(
  definition: CommandDefinition<Options>,
): Command {
  return {
    summary: definition.summary,
    usage: definition.usage,
    argument: definition.argument,
    parse(args) {
      const { values, positionals } = parseOptions({ ...definition.options, ...commonOptions }, args, definition);
      const argument = readArgument(definition.argument, positionals);
      definition.check?.(values, argument);
      return {
        json: args.includes("--json"),
        isDryRun: args.includes("--dry-run"),
        run: (procedure) => definition.run(values, procedure, argument),
      };
    },
  };
}

function parseOptions<const Options extends ParseArgsOptionsConfig>(
  options: Options,
  args: readonly string[],
  { argument }: Pick<CommandDefinition<Options>, "argument">,
) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: argument !== undefined });
  } catch (error) {
    throw new UsageError(faultOfArguments(error));
  }
}

/** @throws UsageError where it is missing, or is not one */
function readArgument(name: string | undefined, [first, ...rest]: readonly string[]): string {
  if (name === undefined) return "";
  if (first === undefined || rest.length > 0) throw new UsageError(`name one ${name}, and nothing else beside options`);
  return first;
}

/** What `parseArgs` has to say of arguments that do not fit, in one line and without its advice on positional ones. */
export function faultOfArguments(error: unknown): string {
  return reasonOf(error).split(". To specify", 1).join("");
}
