import { defineCommand } from "../command.ts";
import { checkCommonValues } from "../context.ts";
import { readOwnerUrl } from "../release/database-steps.ts";
import { RunbookError, UsageError } from "../runbook-error.ts";
import { readEnvironmentName, Settings } from "../settings.ts";
import { listBackups, openBackup } from "./backup.ts";
import { describeFingerprint } from "./fingerprint.ts";
import { clearingUp } from "./interruption.ts";
import { restoreBackup } from "./restore.ts";

/** `restore`: back to what a backup holds. */
export const restoreCommand = defineCommand({
  summary: "restore a backup in one transaction, and compare every table with what was saved",
  usage: [
    "--file <path>  the dump (default: the newest in --dir)",
    "--dir <dir>    where backups are (default: backups/)",
    "--replace      lose what is in the database now",
  ],
  options: {
    file: { type: "string" },
    dir: { type: "string", default: "backups" },
    replace: { type: "boolean", default: false },
  },
  check(values) {
    checkCommonValues(values);
    if (values.file === "") throw new UsageError("--file must be the path of a dump");
  },
  async run(values, procedure) {
    const settings = await Settings.read(readEnvironmentName(values.env), values["env-file"]);
    const url = readOwnerUrl(settings);
    const backup = await procedure.step("the backup", async () => {
      const path = values.file ?? (await listBackups(values.dir))[0];
      if (path === undefined) throw new RunbookError(`${values.dir} holds no backup`);
      const opened = await openBackup(path);
      const { created_at, tables, verified_at } = opened.manifest;
      const proof = verified_at === null ? "never restored before" : `proven ${verified_at}`;
      return {
        evidence: `${path} of ${created_at}, ${describeFingerprint(tables)}, undamaged, ${proof}`,
        result: opened,
      };
    });
    const what = values.replace ? "replacing what is there" : "which must be empty";
    await procedure.change("restore", `into ${url.host}${url.pathname}, ${what}`, async () => {
      await clearingUp((signal) => restoreBackup(backup, url, { replace: values.replace, signal }));
      return { evidence: `${url.host}${url.pathname} has every row, compared by checksum`, result: undefined };
    });
    procedure.record("next", "person", "run npm run db:migrate, which gives the worker its login, and then smoke");
    return { path: backup.path };
  },
});
