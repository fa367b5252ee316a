import { AcceptedChecks } from "../accepted-checks.ts";
import { defineCommand } from "../command.ts";
import { checkCommonValues, readContext } from "../context.ts";
import type { Procedure } from "../procedure.ts";
import { readRevision } from "../release/revision.ts";
import { RunbookError, reasonOf, UsageError } from "../runbook-error.ts";
import { notChecked, type PreflightCheck, type PreflightContext } from "./check.ts";
import { codeChecks } from "./code-checks.ts";
import { configurationChecks } from "./configuration-checks.ts";
import { databaseChecks } from "./database-checks.ts";
import { edgeChecks } from "./edge-checks.ts";
import { personSteps } from "./person-steps.ts";
import { platformChecks } from "./platform-checks.ts";
import { type PreflightResult, writePreflightResult } from "./preflight-result.ts";

/** What answers at once stands first: nobody waits for the tests to learn of a variable that is missing. */
const groups: Readonly<Record<string, readonly PreflightCheck[]>> = {
  configuration: configurationChecks,
  database: databaseChecks,
  platform: platformChecks,
  edge: edgeChecks,
  code: codeChecks,
};

/** Every check of the preflight. */
export const preflightChecks: readonly string[] = Object.values(groups).flatMap((checks) =>
  checks.map(({ name }) => name),
);

/** `preflight`: the checklist, box after box. */
export const preflightCommand = defineCommand({
  summary: "tick every box of the pre-deployment checklist, with evidence",
  usage: [
    `--only <groups>              of ${Object.keys(groups).join(", ")}; separated by commas`,
    "--test-report <path>         a vitest report of this very code, in place of running the suite",
    "--backup-dir <dir>           where backups are (default: backups/)",
    "--log-dir <dir>              where its result goes, for deploy to name (default: deployments/)",
    '--accept "<check>=<reason>"  go on although a check fails, or could not be made',
  ],
  options: {
    only: { type: "string" },
    "test-report": { type: "string" },
    "backup-dir": { type: "string", default: "backups" },
    "log-dir": { type: "string", default: "deployments" },
    accept: { type: "string", multiple: true },
  },
  check(values) {
    checkCommonValues(values);
    readGroups(values.only);
    AcceptedChecks.read(values.accept, preflightChecks);
  },
  async run(values, procedure) {
    const context = {
      ...(await readContext(values)),
      backupDirectory: values["backup-dir"],
      testReport: values["test-report"],
    };
    const accepted = AcceptedChecks.read(values.accept, preflightChecks);
    const failed: string[] = [];
    const tickAll = async (checks: readonly PreflightCheck[]) => {
      for (const check of checks) if (!(await tick(check, context, accepted, procedure))) failed.push(check.name);
    };
    const checks = readGroups(values.only);
    const long = checks.filter((check) => check.isLong?.(context));
    if (procedure.isDryRun) {
      for (const { name } of checks) procedure.record(name, "would do", "check it");
    } else {
      await tickAll(checks.filter((check) => !long.includes(check)));
      const faults = procedure.steps.filter(({ status }) => status === "failed").length;
      if (long.length > 0 && faults === 0) procedure.note("every test is run now, with coverage, which takes minutes");
      await tickAll(faults === 0 ? long : long.map(({ name }) => notRun(name, faults)));
    }
    for (const [name, what] of Object.entries(personSteps)) procedure.record(name, "person", what);
    if (!procedure.isDryRun) {
      const result: PreflightResult = {
        at: procedure.startedAt.toISOString(),
        environment: context.target.environment,
        commit: (await readRevision(context.settings)).commit,
        groups: groupNames(values.only),
        passed: failed.length === 0,
        accepted: procedure.steps.filter(({ status }) => status === "accepted").map(({ name }) => name),
      };
      await writePreflightResult(values["log-dir"], result, procedure);
    }
    if (failed.length > 0) throw new RunbookError(`${failed.length} checks failed: ${failed.join(", ")}`);
    return { checks: procedure.steps.length };
  },
});

/** @returns whether the box is ticked, or left open for a reason */
async function tick(
  { name, run }: PreflightCheck,
  context: PreflightContext,
  accepted: AcceptedChecks,
  procedure: Procedure,
): Promise<boolean> {
  const { status } = await procedure.check(name, async () => {
    const finding = await run(context).catch((error: unknown) => ({
      status: "failed" as const,
      evidence: reasonOf(error),
    }));
    const reason = finding.status === "done" ? undefined : accepted.reasonFor(name);
    if (reason === undefined) return finding;
    return { status: "accepted" as const, evidence: `${reason} (${finding.status}: ${finding.evidence})` };
  });
  return status === "done" || status === "accepted";
}

/** A check that would take minutes to find what changes nothing: the preflight has failed. */
function notRun(name: string, faults: number): PreflightCheck {
  const evidence = `not run, as ${faults} ${faults === 1 ? "check has" : "checks have"} failed before it: mend or accept what failed first`;
  return { name, run: async () => notChecked(evidence) };
}

function groupNames(only: string | undefined): string[] {
  return only?.split(",") ?? Object.keys(groups);
}

/** The checks of the groups, in our order and not in that of the names. */
function readGroups(only: string | undefined): PreflightCheck[] {
  const names = groupNames(only);
  const unknown = names.find((name) => !Object.hasOwn(groups, name));
  if (unknown !== undefined)
    throw new UsageError(`--only ${JSON.stringify(unknown)} is not one of: ${Object.keys(groups).join(", ")}`);
  return Object.entries(groups).flatMap(([name, checks]) => (names.includes(name) ? checks : []));
}
