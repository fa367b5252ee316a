import { defineCommand } from "../command.ts";
import { checkCommonValues } from "../context.ts";
import { readPositive } from "../duration.ts";
import type { Procedure } from "../procedure.ts";
import { readOwnerUrl } from "../release/database-steps.ts";
import { UsageError } from "../runbook-error.ts";
import { readEnvironmentName, Settings } from "../settings.ts";
import { deleteOldBackups, makeBackup, markVerified } from "./backup.ts";
import { describeFingerprint } from "./fingerprint.ts";
import { NeonProject } from "./neon-project.ts";
import { verifyBackup } from "./restore.ts";

const KEPT = 30;

/** `backup`: a dump that was proven by restoring it. */
export const backupCommand = defineCommand({
  summary: "save the database with pg_dump, prove it by a restore into a scratch database, delete old backups",
  usage: [
    "--dir <dir>      where backups are (default: backups/)",
    `--keep <number>  how many of the newest stay, of Neon's branches too (default: ${KEPT})`,
    "--no-verify      do not restore it",
  ],
  options: {
    dir: { type: "string", default: "backups" },
    keep: { type: "string" },
    "no-verify": { type: "boolean", default: false },
  },
  check(values) {
    checkCommonValues(values);
    if (!Number.isInteger(readPositive("keep", values.keep, KEPT)))
      throw new UsageError("--keep must be a whole number");
  },
  async run(values, procedure) {
    const settings = await Settings.read(readEnvironmentName(values.env), values["env-file"]);
    const url = readOwnerUrl(settings);
    const keep = readPositive("keep", values.keep, KEPT);
    if (procedure.isDryRun) {
      procedure.record("backup", "would do", `of ${url.host}${url.pathname} to ${values.dir}, keeping ${keep}`);
      return undefined;
    }
    let backup = await procedure.step("pg_dump", async () => {
      const made = await makeBackup(url, values.dir);
      return {
        evidence: `${made.path}, ${made.manifest.bytes} bytes, ${describeFingerprint(made.manifest.tables)}`,
        result: made,
      };
    });
    if (!values["no-verify"]) {
      backup = await procedure.step("restore into a scratch database", async () => {
        await verifyBackup(backup, url);
        return { evidence: "every table has the same rows and the same checksum", result: await markVerified(backup) };
      });
    }
    await procedure.step("retention", async () => {
      const deleted = await deleteOldBackups(values.dir, keep);
      return {
        evidence: deleted.length === 0 ? `${keep} at most are kept` : `deleted ${deleted.length}`,
        result: undefined,
      };
    });
    if (settings.get("NEON_API_KEY") !== undefined) await branchAtNeon(settings, keep, procedure);
    return { path: backup.path, ...backup.manifest };
  },
});

/** A branch that cannot be made may be one too many: the old ones are deleted all the same. */
async function branchAtNeon(settings: Settings, keep: number, procedure: Procedure): Promise<void> {
  const neon = new NeonProject(settings);
  try {
    await procedure.step("Neon branch", async () => ({ evidence: await neon.makeBranch(), result: undefined }));
  } finally {
    await procedure.step("Neon retention", async () => {
      const deleted = await neon.deleteOldBranches(keep);
      return {
        evidence: deleted.length === 0 ? `${keep} at most are kept` : `deleted ${deleted.join(", ")}`,
        result: undefined,
      };
    });
  }
}
