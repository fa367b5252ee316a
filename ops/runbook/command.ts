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
  run(values: ValuesOf<Options>, procedure: Procedure): Promise<unknown>;
  /** Looks at the values before anything is done. */
  check?(values: ValuesOf<Options>): void;
}

/** Makes a command whose values have the types of its options. */
export function defineCommand<const Options extends ParseArgsOptionsConfig>(
  definition: CommandDefinition<Options>,
): Command {
  return {
    summary: definition.summary,
    usage: definition.usage,
    parse(args) {
      const values = parseOptions({ ...definition.options, ...commonOptions }, args);
      definition.check?.(values);
      return {
        json: args.includes("--json"),
        isDryRun: args.includes("--dry-run"),
        run: (procedure) => definition.run(values, procedure),
      };
    },
  };
}

function parseOptions<const Options extends ParseArgsOptionsConfig>(options: Options, args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(faultOfArguments(error));
  }
}

/** What `parseArgs` has to say of arguments that do not fit, in one line and without its advice on positional ones. */
export function faultOfArguments(error: unknown): string {
  return reasonOf(error).split(". To specify", 1).join("");
}
