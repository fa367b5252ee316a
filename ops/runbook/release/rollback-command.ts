import { defineCommand } from "../command.ts";
import { checkCommonValues, readContext } from "../context.ts";
import { RunbookError, UsageError } from "../runbook-error.ts";
import { writeIncident } from "./deployment-log.ts";
import { announceStep } from "./release.ts";
import { readRevision } from "./revision.ts";
import { refuseToCrossMigration, rollBackDatabase, rollBackTo } from "./rollback.ts";

/** `rollback`: back to the version before, by hand. */
export const rollbackCommand = defineCommand({
  summary:
    "give the traffic back to the version before, take the database a step back if asked, verify, write an incident",
  usage: [
    '--reason "<text>"    why; goes into the incident file and to the team',
    "--to <version-id>    another version than the one before",
    "--database           take the newest migration back as well",
    "--log-dir <dir>      where the incident file goes; deployments/",
  ],
  options: {
    reason: { type: "string" },
    to: { type: "string" },
    database: { type: "boolean", default: false },
    "log-dir": { type: "string", default: "deployments" },
  },
  check(values) {
    checkCommonValues(values);
    if (values.reason === undefined || values.reason.trim() === "") throw new UsageError("--reason must say why");
  },
  async run(values, procedure) {
    const context = await readContext(values);
    const { wrangler, target } = context;
    const reason = values.reason ?? "";
    const { current, to } = await procedure.step("the versions", async () => {
      const versions = await wrangler.deployedVersions();
      const current = versions[0];
      if (current === undefined) throw new RunbookError("nothing is deployed");
      const to = values.to ?? versions.find((id) => id !== current);
      if (to === undefined) throw new RunbookError("there is no version before: name one with --to, or go forward");
      return { evidence: `from ${current} to ${to}`, result: { current, to } };
    });
    const point = { versionId: to, migrationTag: await wrangler.migrationTagOf(to) };
    refuseToCrossMigration(point, await wrangler.migrationTagOf(current));
    if (procedure.isDryRun) {
      procedure.record(
        "rollback",
        "would do",
        `${target.scriptName}: ${current} → ${to}${values.database ? ", and the database one step back" : ""}`,
      );
      return { version_id: to };
    }
    await rollBackTo({ context, procedure }, point, reason);
    if (values.database) await rollBackDatabase({ context, procedure });
    const { version } = await readRevision();
    const incident = await writeIncident(
      values["log-dir"],
      { environment: target.environment, version: `${version} (${current})`, reason, response: `rolled back to ${to}` },
      procedure,
    );
    await announceStep({ context, procedure }, `Deployment rolled back: ${target.environment}, due to ${reason}`);
    return { version_id: to, taken_back_version_id: current, incident };
  },
});
