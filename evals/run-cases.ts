import type { EvalCase } from "./eval-case.ts";
import { type CaseResult, type Place, runCase } from "./run-case.ts";

/** How far a run may go. */
export interface Bounds {
  readonly parallel: number;
  readonly maxTokens: number;
  readonly maxMinutes: number;
}

/** What a model made of the cases. */
export interface ModelRun {
  readonly model: string;
  readonly results: readonly CaseResult[];
  /** The names of cases that were not begun, as a bound was reached. */
  readonly notRun: readonly string[];
  readonly milliseconds: number;
}

/** Runs cases side by side, in their order, and begins no further one once a bound is reached. */
export async function runCases(
  model: string,
  cases: readonly EvalCase[],
  place: Place,
  { parallel, maxTokens, maxMinutes }: Bounds,
  tell: (result: CaseResult) => void,
): Promise<ModelRun> {
  const begun = performance.now();
  const waiting = [...cases];
  const results = new Map<string, CaseResult>();
  const tokens = () => [...results.values()].reduce((sum, result) => sum + tokensOf(result), 0);
  const isWithin = () => tokens() < maxTokens && performance.now() - begun < maxMinutes * 60_000;
  const work = async () => {
    while (isWithin()) {
      const next = waiting.shift();
      if (next === undefined) return;
      const result = await runCase(next, place);
      results.set(next.name, result);
      tell(result);
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return {
    model,
    // As they are listed, however they ended.
    results: cases.flatMap(({ name }) => results.get(name) ?? []),
    notRun: waiting.map(({ name }) => name),
    milliseconds: Math.round(performance.now() - begun),
  };
}

/** What a case cost, heard and said together. */
export function tokensOf({ inputTokens, outputTokens }: CaseResult): number {
  return inputTokens + outputTokens;
}
