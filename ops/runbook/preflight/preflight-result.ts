import { z } from "zod";
import type { Procedure } from "../procedure.ts";
import { readRecords, writeRecord } from "../release/log-directory.ts";

const resultSchema = z.object({
  at: z.iso.datetime(),
  environment: z.string(),
  commit: z.string(),
  /** The groups of checks that were run. */
  groups: z.array(z.string()),
  /** Whether each check of them passed, or may fail for a reason. */
  passed: z.boolean(),
  accepted: z.array(z.string()),
});

/** What a run of the preflight leaves for the deploy that follows. */
export type PreflightResult = z.output<typeof resultSchema>;

/** How the names of their files end, after the environment. */
const ENDING = "-preflight.json";

/** Keeps the result of a preflight. */
export function writePreflightResult(directory: string, result: PreflightResult, procedure: Procedure): Promise<void> {
  return writeRecord(directory, `${result.environment}${ENDING}`, result, procedure);
}

/** Reads the results in a directory, the newest first; none where there is no directory. */
export async function readPreflightResults(directory: string): Promise<{ path: string; result: PreflightResult }[]> {
  const results: { path: string; result: PreflightResult }[] = [];
  const records = readRecords(directory, ENDING, resultSchema, "the result of a preflight");
  for await (const { path, record } of records) results.push({ path, result: record });
  return results;
}

/**
 * Chooses the preflight that speaks for a release: the last one of its very commit and environment that looked at a group
 * of checks, if that passed. Changes that are not committed have no name to be known by.
 *
 * @param results the newest first
 */
export function preflightOf<Found extends { readonly result: PreflightResult }>(
  results: readonly Found[],
  { environment, commit, group }: { readonly environment: string; readonly commit: string; readonly group: string },
): Found | undefined {
  if (!/^[0-9a-f]+$/.test(commit)) return undefined;
  const last = results.find(
    ({ result }) => result.environment === environment && result.commit === commit && result.groups.includes(group),
  );
  return last?.result.passed === true ? last : undefined;
}
