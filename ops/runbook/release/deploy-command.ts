import { AcceptedChecks } from "../accepted-checks.ts";
import { defineCommand } from "../command.ts";
import { checkCommonValues, readContext } from "../context.ts";
import { TimeScale } from "../duration.ts";
import { acceptableSmokeChecks } from "../smoke/smoke.ts";
import { deploy } from "./deploy.ts";
import { interruptible } from "./interruption.ts";

const acceptable = [...acceptableSmokeChecks, "backup"];

/** `deploy`: a release from the backup to the last watch. */
export const deployCommand = defineCommand({
  summary: "back up, migrate, upload, smoke at 0 %, then 10 → 50 → 100 % with a watch at each; rolled back by itself",
  usage: [
    "--backup-dir <dir>           where the backup goes (default: backups/)",
    "--log-dir <dir>              where the deployment log goes (default: deployments/)",
    '--accept "<check>=<reason>"  go on although a smoke check, or the backup, fails',
    "--time-scale <factor>        a rehearsal: every window is that much shorter, and the log says so",
  ],
  options: {
    "backup-dir": { type: "string", default: "backups" },
    "log-dir": { type: "string", default: "deployments" },
    accept: { type: "string", multiple: true },
    "time-scale": { type: "string" },
  },
  check(values) {
    checkCommonValues(values);
    TimeScale.read(values["time-scale"]);
    AcceptedChecks.read(values.accept, acceptable);
  },
  async run(values, procedure) {
    const context = await readContext(values);
    return interruptible(procedure, (interruption) =>
      deploy({
        context,
        procedure,
        accepted: AcceptedChecks.read(values.accept, acceptable),
        timeScale: TimeScale.read(values["time-scale"]),
        interruption,
        backupDirectory: values["backup-dir"],
        logDirectory: values["log-dir"],
      }),
    );
  },
});
