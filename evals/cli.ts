import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Shutdown } from "../local/shutdown.ts";
import { describeVariables } from "../src/config.ts";
import { type Arguments, readArguments, USAGE, UsageError } from "./arguments.ts";
import { allCases } from "./cases/all-cases.ts";
import { type ModelRun, runCases } from "./run-cases.ts";
import { INTERRUPTED, startEvalServer } from "./server.ts";
import { caseLines, isPassed, jsonTable, markdownTable, summaryLine } from "./table.ts";

const MISSING_KEY =
  "OPENAI_API_KEY is not set: the evals need a model, OpenAI's or that of any server of the Responses API (OPENAI_BASE_URL)";

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}

async function main(args: readonly string[]): Promise<number> {
  const asked = readArguments(args);
  if (asked.asksFor === "help") return print(USAGE);
  if (asked.asksFor === "list") return print(allCases.map(({ name }) => `${name}\n`).join(""));
  if (!process.env.OPENAI_API_KEY) throw new UsageError(MISSING_KEY);
  const startedAt = new Date();
  const runs: ModelRun[] = [];
  for (const model of asked.models.length === 0 ? [usualModel()] : asked.models)
    runs.push(await runModel(model, asked));
  await mkdir(asked.output, { recursive: true });
  const path = join(asked.output, startedAt.toISOString().replaceAll(":", "-").slice(0, 19));
  await writeFile(`${path}.json`, jsonTable(runs, startedAt));
  await writeFile(`${path}.md`, markdownTable(runs, startedAt));
  print(`\n${runs.map(summaryLine).join("\n")}\nThe table: ${path}.md, and for programs ${path}.json\n`);
  return runs.every(isPassed) ? 0 : 1;
}

async function runModel(model: string, { cases, ...bounds }: Arguments): Promise<ModelRun> {
  print(`${model}: ${cases.length} cases\n`);
  const shutdown = new Shutdown();
  shutdown.endOnSignals(INTERRUPTED);
  try {
    const place = await startEvalServer({ ...process.env, OPENAI_MODEL: model }, shutdown);
    return await runCases(model, cases, place, bounds, (result) => print(`${caseLines(result)}\n`));
  } finally {
    await shutdown.end();
  }
}

function usualModel(): string {
  const { byDefault = "" } = describeVariables().find(({ name }) => name === "OPENAI_MODEL") ?? {};
  return process.env.OPENAI_MODEL || byDefault;
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}
