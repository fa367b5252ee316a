import type { CaseResult } from "./run-case.ts";
import { type ModelRun, tokensOf } from "./run-cases.ts";

/** One line for a case, and below it why it did not pass. */
export function caseLines(result: CaseResult): string {
  const { name, faults, calls } = result;
  const verdict = faults.length === 0 ? "passed" : "FAILED";
  const cost = [
    calls === 1 ? "1 call" : `${calls} calls`,
    `${count(tokensOf(result))} tokens`,
    seconds(result.milliseconds),
  ].join(", ");
  return [`${verdict}  ${name}  ${cost}`, ...faults.map((fault) => `        ${fault}`)].join("\n");
}

/** How many cases a model passed, and what they cost it. */
export function summaryLine(run: ModelRun): string {
  const { model, results, notRun } = run;
  const { passed, all, calls, tokens } = totalsOf(run);
  const missing = notRun.length === 0 ? "" : `, ${notRun.length} not run`;
  const cost = `${count(calls)} calls, ${count(tokens)} tokens, ${seconds(sum(results, "milliseconds"))}`;
  return `${model}: ${passed} of ${all} passed (${percent(passed, all)})${missing}; ${cost}`;
}

/** The table as Markdown. */
export function markdownTable(runs: readonly ModelRun[], startedAt: Date): string {
  return [
    `# Evals of ${startedAt.toISOString().slice(0, 16).replace("T", " ")} UTC`,
    "",
    "| model | passed | of | pass rate | calls | tokens | time |",
    "|---|---|---|---|---|---|---|",
    ...runs.map((run) => {
      const { passed, all, calls, tokens } = totalsOf(run);
      return row([
        run.model,
        passed,
        all,
        percent(passed, all),
        calls,
        count(tokens),
        seconds(sum(run.results, "milliseconds")),
      ]);
    }),
    ...runs.flatMap(({ model, results, notRun }) => [
      "",
      `## ${model}`,
      "",
      "| case | result | calls | tokens | time |",
      "|---|---|---|---|---|",
      ...results.map((result) => {
        const { name, faults, calls, milliseconds } = result;
        return row([
          name,
          faults.length === 0 ? "passed" : faults.join("; "),
          calls,
          count(tokensOf(result)),
          seconds(milliseconds),
        ]);
      }),
      ...notRun.map((name) => row([name, "not run", "", "", ""])),
    ]),
    "",
  ].join("\n");
}

/** The table for programs. */
export function jsonTable(runs: readonly ModelRun[], startedAt: Date): string {
  const told = runs.map((run) => {
    const { passed, all, calls, tokens } = totalsOf(run);
    return {
      model: run.model,
      ...{ passed, cases: all, pass_rate: passed / all, calls, tokens, milliseconds: run.milliseconds },
      results: run.results.map(({ name, faults, calls, inputTokens, outputTokens, milliseconds, answers }) => ({
        ...{ name, passed: faults.length === 0, faults, calls },
        ...{ input_tokens: inputTokens, output_tokens: outputTokens, milliseconds, answers },
      })),
      not_run: run.notRun,
    };
  });
  return `${JSON.stringify({ version: 1, started_at: startedAt.toISOString(), models: told }, null, 2)}\n`;
}

/** Whether every case was run and passed. */
export function isPassed(run: ModelRun): boolean {
  const { passed, all } = totalsOf(run);
  return passed === all;
}

function totalsOf({ results, notRun }: ModelRun) {
  return {
    passed: results.filter(({ faults }) => faults.length === 0).length,
    all: results.length + notRun.length,
    calls: sum(results, "calls"),
    tokens: results.reduce((total, result) => total + tokensOf(result), 0),
  };
}

function sum(results: readonly CaseResult[], field: "calls" | "milliseconds"): number {
  return results.reduce((total, result) => total + result[field], 0);
}

function row(cells: readonly (string | number)[]): string {
  return `| ${cells.map((cell) => String(cell).replaceAll("|", "\\|").replaceAll(/\s+/g, " ")).join(" | ")} |`;
}

function count(number: number): string {
  return number.toLocaleString("en");
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

function percent(part: number, whole: number): string {
  return whole === 0 ? "0 %" : `${Math.round((100 * part) / whole)} %`;
}
