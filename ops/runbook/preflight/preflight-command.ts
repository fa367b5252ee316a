import { AcceptedChecks } from "../accepted-checks.ts";
import { defineCommand } from "../command.ts";
import { checkCommonValues, readContext } from "../context.ts";
import type { Procedure } from "../procedure.ts";
import { readRevision } from "../release/revision.ts";
import { RunbookError, reasonOf, UsageError } from "../runbook-error.ts";
import type { PreflightCheck, PreflightContext } from "./check.ts";
import { codeChecks } from "./code-checks.ts";
import { configurationChecks } from "./configuration-checks.ts";
import { databaseChecks } from "./database-checks.ts";
import { edgeChecks } from "./edge-checks.ts";
import { personSteps } from "./person-steps.ts";
import { platformChecks } from "./platform-checks.ts";
import { type PreflightResult, writePreflightResult } from "./preflight-result.ts";

const groups: Readonly<Record<string, readonly PreflightCheck[]>> = {
  code: codeChecks,
  configuration: configurationChecks,
  database: databaseChecks,
  platform: platformChecks,
  edge: edgeChecks,
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
    for (const check of readGroups(values.only)) {
      if (procedure.isDryRun) procedure.record(check.name, "would do", "check it");
      else if (!(await tick(check, context, accepted, procedure))) failed.push(check.name);
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
  const begun = Date.now();
  const finding = await run(context).catch((error: unknown) => ({
    status: "failed" as const,
    evidence: reasonOf(error),
  }));
  if (finding.status === "done") {
    procedure.record(name, "done", finding.evidence, begun);
    return true;
  }
  const reason = accepted.reasonFor(name);
  const evidence = reason === undefined ? finding.evidence : `${reason} (${finding.status}: ${finding.evidence})`;
  procedure.record(name, reason === undefined ? finding.status : "accepted", evidence, begun);
  return reason !== undefined;
}

function groupNames(only: string | undefined): string[] {
  return only?.split(",") ?? Object.keys(groups);
}

function readGroups(only: string | undefined): PreflightCheck[] {
  return groupNames(only).flatMap((name) => {
    const checks = Object.hasOwn(groups, name) ? groups[name] : undefined;
    if (checks === undefined)
      throw new UsageError(`--only ${JSON.stringify(name)} is not one of: ${Object.keys(groups).join(", ")}`);
    return checks;
  });
}
