import { defineCommand } from "../command.ts";
import { checkCommonValues, readContext } from "../context.ts";
import { UsageError } from "../runbook-error.ts";
import { writeIncident } from "./deployment-log.ts";
import { announceStep } from "./release.ts";
import { readRevision } from "./revision.ts";
import { refuseNewer, refuseToCrossMigration, rollBackDatabase, rollBackTo } from "./rollback.ts";
import { versionBefore, wayTo } from "./rollback-target.ts";

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
    const { from, to } = await procedure.step("the versions", async () => {
      const deployments = await wrangler.deployments();
      const way = values.to === undefined ? versionBefore(deployments) : wayTo(values.to, deployments);
      const [from, to] = [await wrangler.version(way.from), await wrangler.version(way.to)];
      if (values.to === undefined) refuseNewer(to, from);
      refuseToCrossMigration(to, from.migrationTag);
      return { evidence: `from ${from.id} to ${to.id}`, result: { from, to } };
    });
    if (procedure.isDryRun) {
      procedure.record(
        "rollback",
        "would do",
        `${target.scriptName}: ${from.id} → ${to.id}${values.database ? ", and the database one step back" : ""}`,
      );
      return { version_id: to.id };
    }
    await rollBackTo({ context, procedure }, to, reason);
    if (values.database) await rollBackDatabase({ context, procedure });
    const { version } = await readRevision();
    const incident = await writeIncident(
      values["log-dir"],
      {
        environment: target.environment,
        version: `${version} (${from.id})`,
        reason,
        response: `rolled back to ${to.id}`,
      },
      procedure,
    );
    await announceStep({ context, procedure }, `Deployment rolled back: ${target.environment}, due to ${reason}`);
    return { version_id: to.id, taken_back_version_id: from.id, incident };
  },
});
