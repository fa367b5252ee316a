import type { Procedure, StepRecord } from "../procedure.ts";
import { writeBesideLog } from "./log-directory.ts";
import type { Seen } from "./progress.ts";

/** What a deployment log tells besides its steps. */
export interface DeploymentLog {
  readonly version: string;
  readonly environment: string;
  readonly deployedBy: string;
  readonly issues: readonly string[];
  /** Whether the release had to be rolled back, why, and what became of it. */
  readonly rollback: string;
  readonly notes: readonly string[];
  /** What the boxes of the runbook's template stand for: each is ticked by what was seen for it alone. */
  readonly boxes: Readonly<Record<Box, Seen>>;
}

type Box =
  | "tests"
  | "backup"
  | "configuration"
  | "deployed"
  | "health"
  | "smoke"
  | "monitoring"
  | "noErrors"
  | "performance";

/** Writes the log of a deployment from the runbook's template, and returns its path. */
export async function writeDeploymentLog(directory: string, log: DeploymentLog, procedure: Procedure): Promise<string> {
  const { startedAt, seconds, steps } = procedure;
  const box = (name: Box, text: string) => {
    const { isTrue, evidence } = log.boxes[name];
    return `- [${isTrue ? "x" : " "}] ${text}: ${evidence.replace(/\s+/g, " ")}`;
  };
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
    box("tests", "Tests passed"),
    box("backup", "Database backed up"),
    box("configuration", "Configuration verified"),
    "",
    "### Deployment",
    box("deployed", "Application deployed"),
    box("health", "Health checks passing"),
    box("smoke", "Smoke tests passed"),
    "",
    "### Post-Deployment",
    box("monitoring", "Monitoring verified"),
    box("noErrors", "No errors detected"),
    box("performance", "Performance normal"),
    "",
    "### Issues Encountered",
    ...listOr(log.issues, "None"),
    "",
    "### Rollback Required",
    `- ${log.rollback}`,
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
