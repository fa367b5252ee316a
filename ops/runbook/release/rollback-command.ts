import { defineCommand } from "../command.ts";
import { checkCommonValues, readContext } from "../context.ts";
import { TimeScale } from "../duration.ts";
import { RunbookError, UsageError } from "../runbook-error.ts";
import { announceStep } from "./announce.ts";
import { writeIncident } from "./deployment-log.ts";
import { doubtOf } from "./doubt.ts";
import { migrationsOfRelease } from "./release-record.ts";
import { readRevision } from "./revision.ts";
import {
  moveBack,
  refuseNewer,
  refuseToCrossMigration,
  rollBackDatabase,
  rollbackAnnouncement,
  verifyRollback,
} from "./rollback.ts";
import { versionBefore, wayTo } from "./rollback-target.ts";

/** `rollback`: back to the version before, by hand. */
export const rollbackCommand = defineCommand({
  summary: "give the traffic back to the version before, roll its migrations back if asked, verify, write an incident",
  usage: [
    '--reason "<text>"      why; goes into the incident file and to the team',
    "--to <version-id>      another version than the one before",
    "--database             roll the migrations back as well that the release of the version applied",
    "--backup-dir <dir>     where the backup goes that --database makes first (default: backups/)",
    "--log-dir <dir>        where the incident file goes, and what releases applied is kept (default: deployments/)",
    "--time-scale <factor>  a rehearsal: it waits that much shorter for the version to be everywhere",
  ],
  options: {
    reason: { type: "string" },
    to: { type: "string" },
    database: { type: "boolean", default: false },
    "backup-dir": { type: "string", default: "backups" },
    "log-dir": { type: "string", default: "deployments" },
    "time-scale": { type: "string" },
  },
  check(values) {
    checkCommonValues(values);
    TimeScale.read(values["time-scale"]);
    if (values.reason === undefined || values.reason.trim() === "") throw new UsageError("--reason must say why");
  },
  async run(values, procedure) {
    const context = await readContext(values);
    const { wrangler, target } = context;
    const reason = values.reason ?? "";
    const { from, to } = await procedure.step("the versions", async () => {
      const deployments = await wrangler.deployments();
      const way = values.to === undefined ? versionBefore(deployments) : wayTo(values.to, deployments);
      const [from, to] = await Promise.all([wrangler.version(way.from), wrangler.version(way.to)]);
      if (values.to === undefined) refuseNewer(to, from);
      refuseToCrossMigration(to, from.migrationTag);
      return { evidence: `from ${from.id} to ${to.id}`, result: { from, to } };
    });
    const migrations = values.database
      ? await migrationsOfRelease(values["log-dir"], target.environment, from.id)
      : undefined;
    if (procedure.isDryRun) {
      procedure.record(
        "rollback",
        "would do",
        `${target.scriptName}: ${from.id} → ${to.id}${migrations === undefined ? "" : `, and the migrations back that it applied: ${migrations.join(", ") || "none"}`}`,
      );
      return { version_id: to.id };
    }
    const order = { context, procedure, timeScale: TimeScale.read(values["time-scale"]) };
    await moveBack(order, to, reason);
    const doubts = [
      ...(migrations === undefined
        ? []
        : await doubtOf("the database is not rolled back", () =>
            rollBackDatabase(order, migrations, values["backup-dir"]),
          )),
      ...(await verifyRollback(order, to.id)),
    ];
    const { version } = await readRevision(context.settings);
    const response = [`rolled back to ${to.id}`, ...doubts].join("; ");
    const incident = await writeIncident(
      values["log-dir"],
      { environment: target.environment, version: `${version} (${from.id})`, reason, response },
      procedure,
    );
    await announceStep(
      context.settings,
      procedure,
      `${rollbackAnnouncement(doubts)}: ${target.environment}, due to ${reason}`,
    );
    if (doubts.length > 0) throw new RunbookError(`${response} (${incident})`);
    return { version_id: to.id, rolled_back_version_id: from.id, incident };
  },
});
