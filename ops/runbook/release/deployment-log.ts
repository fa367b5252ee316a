import type { Procedure, StepRecord } from "../procedure.ts";
import { writeBesideLog } from "./log-directory.ts";

/** What a deployment log tells besides its steps. */
export interface DeploymentLog {
  readonly version: string;
  readonly environment: string;
  readonly deployedBy: string;
  readonly issues: readonly string[];
  /** Why the release was taken back; undefined where it was not. */
  readonly takenBack: string | undefined;
  readonly notes: readonly string[];
  /** What the boxes of the runbook's template stand for, and whether it was seen to be so. */
  readonly boxes: {
    readonly tests: boolean;
    readonly backup: boolean;
    readonly configuration: boolean;
    readonly deployed: boolean;
    readonly health: boolean;
    readonly smoke: boolean;
    readonly monitoring: boolean;
    readonly noErrors: boolean;
    readonly performance: boolean;
  };
}

/** Writes the log of a deployment from the runbook's template, and returns its path. */
export async function writeDeploymentLog(directory: string, log: DeploymentLog, procedure: Procedure): Promise<string> {
  const { startedAt, seconds, steps } = procedure;
  const { boxes } = log;
  const box = (isTicked: boolean, text: string) => `- [${isTicked ? "x" : " "}] ${text}`;
  const lines = [
    `## Deployment: ${log.version}`,
    "",
    `**Date**: ${startedAt.toISOString().slice(0, 10)}`,
    `**Time**: ${startedAt.toISOString().slice(11, 16)} UTC`,
    `**Deployed By**: ${log.deployedBy}`,
    `**Duration**: ${seconds < 90 ? `${seconds} seconds` : `${Math.round(seconds / 60)} minutes`}`,
    `**Environment**: ${log.environment}`,
    "",
    "### Pre-Deployment",
    box(boxes.tests, "Tests passed"),
    box(boxes.backup, "Database backed up"),
    box(boxes.configuration, "Configuration verified"),
    "",
    "### Deployment",
    box(boxes.deployed, "Application deployed"),
    box(boxes.health, "Health checks passing"),
    box(boxes.smoke, "Smoke tests passed"),
    "",
    "### Post-Deployment",
    box(boxes.monitoring, "Monitoring verified"),
    box(boxes.noErrors, "No errors detected"),
    box(boxes.performance, "Performance normal"),
    "",
    "### Issues Encountered",
    ...listOr(log.issues, "None"),
    "",
    "### Rollback Required",
    log.takenBack === undefined ? "- No" : `- Yes - ${log.takenBack}`,
    "",
    "### Notes",
    ...listOr(log.notes, "None"),
    "",
    "### Steps",
    "",
    "| time (UTC) | step | outcome | evidence |",
    "|---|---|---|---|",
    ...steps.map(stepLine),
    "",
  ];
  return writeBesideLog(directory, `${log.environment}-${procedure.command}.md`, lines.join("\n"), procedure);
}

/** What an incident file tells. */
export interface Incident {
  readonly environment: string;
  readonly version: string;
  readonly reason: string;
  readonly response: string;
}

/** Writes an incident file, for the review that follows, and returns its path. */
export async function writeIncident(directory: string, incident: Incident, procedure: Procedure): Promise<string> {
  const lines = [
    `## Incident: ${incident.environment}, ${procedure.startedAt.toISOString()}`,
    "",
    `**What happened**: ${incident.reason}`,
    `**Version**: ${incident.version}`,
    `**What was done**: ${incident.response}`,
    "",
    "### Timeline (UTC)",
    ...procedure.steps.map(({ at, name, status, evidence }) => `- ${at.slice(11, 19)} ${name}: ${status}, ${evidence}`),
    "",
    "### To be filled in by a person",
    "- [ ] Who was affected, and since when",
    "- [ ] Cause",
    "- [ ] What keeps it from happening again, with an owner and a date",
    "- [ ] Review meeting held on",
    "",
  ];
  return writeBesideLog(directory, `${incident.environment}-incident.md`, lines.join("\n"), procedure);
}

function listOr(items: readonly string[], none: string): string[] {
  return items.length === 0 ? [`- ${none}`] : items.map((item) => `- ${item}`);
}

function stepLine({ at, name, status, evidence }: StepRecord): string {
  return `| ${at.slice(11, 19)} | ${name} | ${status} | ${evidence.replaceAll("|", "\\|").replace(/\s+/g, " ")} |`;
}
