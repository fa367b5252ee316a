import { parseArgs } from "node:util";
import { allCases } from "./cases/all-cases.ts";
import type { EvalCase } from "./eval-case.ts";

export const USAGE = `npm run eval -- [options]

Runs requests in ordinary words through chat, with the model that OPENAI_API_KEY opens, and scores each by the tasks
that are there in the end. OPENAI_BASE_URL may name any server of the Responses API, OPENAI_MODEL the model.

  --case <name>         only this case; may be given more than once
  --model <name>        this model; may be given more than once
  --list                the names of the cases
  --parallel <number>   how many cases run at a time, 1 to 20 (default: 4)
  --max-tokens <number> begins no further case once a model has used so many tokens (default: 3000000)
  --max-minutes <number> … or has taken so long (default: 30)
  --output <directory>  where the tables are kept (default: test-results/evals)
  --help                these lines

It ends with 0 where every case passed, with 1 where one did not or was not run, and with 2 where it cannot begin.
`;

/** What cannot be run as it was asked for. */
export class UsageError extends Error {}

/** What `npm run eval` is asked for. */
export interface Arguments {
  readonly asksFor: "help" | "list" | "run";
  readonly cases: readonly EvalCase[];
  /** Empty where none is named. */
  readonly models: readonly string[];
  readonly parallel: number;
  readonly maxTokens: number;
  readonly maxMinutes: number;
  readonly output: string;
}

/** @throws UsageError that names the option which does not fit */
export function readArguments(args: readonly string[]): Arguments {
  const { values } = parse(args);
  const names = values.case ?? [];
  const unknown = names.find((name) => allCases.every((known) => known.name !== name));
  if (unknown !== undefined) throw new UsageError(`--case ${JSON.stringify(unknown)} is no case; --list names them`);
  return {
    asksFor: values.help ? "help" : values.list ? "list" : "run",
    cases: names.length === 0 ? allCases : allCases.filter(({ name }) => names.includes(name)),
    models: values.model ?? [],
    parallel: wholeNumber("parallel", values.parallel, 20),
    maxTokens: wholeNumber("max-tokens", values["max-tokens"], 1_000_000_000),
    maxMinutes: wholeNumber("max-minutes", values["max-minutes"], 1_440),
    output: values.output,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        case: { type: "string", multiple: true },
        model: { type: "string", multiple: true },
        list: { type: "boolean", default: false },
        parallel: { type: "string", default: "4" },
        "max-tokens": { type: "string", default: "3000000" },
        "max-minutes": { type: "string", default: "30" },
        output: { type: "string", default: "test-results/evals" },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}; --help shows the options`);
  }
}

function wholeNumber(name: string, value: string, maximum: number): number {
  const number = Number(value);
  if (!/^\d{1,10}$/.test(value) || number < 1 || number > maximum) {
    throw new UsageError(`--${name} must be a whole number from 1 to ${maximum}, not ${JSON.stringify(value)}`);
  }
  return number;
}
