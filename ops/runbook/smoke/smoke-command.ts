import { AcceptedChecks } from "../accepted-checks.ts";
import { defineCommand } from "../command.ts";
import { checkCommonValues, readContextToAsk } from "../context.ts";
import { RunbookError } from "../runbook-error.ts";
import { acceptableSmokeChecks, runSmoke, smokeChecks } from "./smoke.ts";

/** `smoke`: everything that people do, tried once. */
export const smokeCommand = defineCommand({
  summary: "try everything that people do with a deployment, on throw-away accounts that are deleted after",
  usage: [
    "--version-id <id>            send every request to that version",
    '--accept "<check>=<reason>"  a check that may fail, and why',
  ],
  options: { "version-id": { type: "string" }, accept: { type: "string", multiple: true } },
  check(values) {
    checkCommonValues(values);
    AcceptedChecks.read(values.accept, acceptableSmokeChecks);
  },
  async run(values, procedure) {
    const { deployment } = await readContextToAsk(values);
    const versionId = values["version-id"];
    const asked = versionId === undefined ? deployment : deployment.ofVersion(versionId);
    if (procedure.isDryRun) {
      for (const check of smokeChecks) procedure.record(check, "would do", `on ${asked.url.origin}`);
      return undefined;
    }
    const accepted = AcceptedChecks.read(values.accept, acceptableSmokeChecks);
    const results = await runSmoke(asked, accepted, (check, make) => procedure.check(check, make));
    const failed = results.filter(({ status }) => status === "failed");
    if (failed.length > 0) throw new RunbookError(`${failed.length} of ${results.length} smoke checks failed`);
    return { url: asked.url.origin, checks: results.length };
  },
});
