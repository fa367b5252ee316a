import { makeBackup, markVerified } from "../backup/backup.ts";
import { describeFingerprint } from "../backup/fingerprint.ts";
import { verifyBackup } from "../backup/restore.ts";
import type { Settings } from "../settings.ts";
import { readOwnerUrl } from "./database-steps.ts";

/** Saves the database of an environment, and proves it by a restore. @returns what was seen */
export async function backUpDatabase(settings: Settings, directory: string): Promise<string> {
  const url = readOwnerUrl(settings);
  const backup = await makeBackup(url, directory);
  await verifyBackup(backup, url);
  await markVerified(backup);
  return `${backup.path}, ${describeFingerprint(backup.manifest.tables)}, restored and compared`;
}
