import { defineCommand } from "../command.ts";
import { checkCommonValues, readContextToAsk } from "../context.ts";
import { readPositive, TimeScale } from "../duration.ts";
import { RunbookError } from "../runbook-error.ts";
import { criteria, describeFigures } from "./criteria.ts";
import { watchVersion } from "./watch.ts";

/** `watch`: is the version what the runbook calls a success? */
export const watchCommand = defineCommand({
  summary: "judge a version by the runbook's success criteria and rollback triggers",
  usage: [
    "--version-id <id>      the version to judge (default: the one that /health names)",
    `--minutes <number>     how long (default: ${criteria.successMinutes})`,
    "--time-scale <factor>  a rehearsal: the window is that much shorter",
  ],
  options: {
    "version-id": { type: "string" },
    minutes: { type: "string" },
    "time-scale": { type: "string" },
  },
  check(values) {
    checkCommonValues(values);
    readPositive("minutes", values.minutes, criteria.successMinutes);
    TimeScale.read(values["time-scale"]);
  },
  async run(values, procedure) {
    const { deployment, settings } = await readContextToAsk(values);
    const minutes = readPositive("minutes", values.minutes, criteria.successMinutes);
    const timeScale = TimeScale.read(values["time-scale"]);
    if (timeScale.remark !== undefined) procedure.record("time", "done", timeScale.remark);
    const metricsToken = settings.need("METRICS_TOKEN");
    const versionId =
      values["version-id"] ??
      ((await procedure.waitFor("the version in force", () => deployment.health())).version || "local");
    if (procedure.isDryRun) {
      procedure.record("watch", "would do", `version ${versionId} at ${deployment.url.origin} for ${minutes} minutes`);
      return undefined;
    }
    const asked = versionId === "local" ? deployment : deployment.ofVersion(versionId);
    return procedure.step(`watch version ${versionId} for ${timeScale.describe(minutes)}`, async () => {
      const { failures, figures, healthChecks, ownRequests } = await watchVersion({
        deployment: asked,
        versionId,
        metricsToken,
        minutes,
        timeScale,
        tell: (line) => procedure.note(line),
      });
      if (failures.length > 0) throw new RunbookError(failures.join("; "));
      const evidence = `${describeFigures(figures)}, ${healthChecks} health checks passed, ${ownRequests} requests our own`;
      return { evidence, result: { version_id: versionId, ...figures, health_checks: healthChecks } };
    });
  },
});
