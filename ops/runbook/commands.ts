import { backupCommand } from "./backup/backup-command.ts";
import { restoreCommand } from "./backup/restore-command.ts";
import type { Command } from "./command.ts";
import { monitoringCommand } from "./monitoring/monitoring-command.ts";
import { preflightCommand } from "./preflight/preflight-command.ts";
import { deployCommand } from "./release/deploy-command.ts";
import { rollbackCommand } from "./release/rollback-command.ts";
import { resetPasswordCommand } from "./reset-password/reset-password-command.ts";
import { setupCommand } from "./setup/setup-command.ts";
import { smokeCommand } from "./smoke/smoke-command.ts";
import { soakCommand } from "./soak/soak-command.ts";
import { watchCommand } from "./watch/watch-command.ts";

/** Every command of the runbook, in the order in which they are wanted. */
export const commands: Readonly<Record<string, Command>> = {
  setup: setupCommand,
  preflight: preflightCommand,
  backup: backupCommand,
  restore: restoreCommand,
  deploy: deployCommand,
  watch: watchCommand,
  rollback: rollbackCommand,
  smoke: smokeCommand,
  soak: soakCommand,
  monitoring: monitoringCommand,
  "reset-password": resetPasswordCommand,
};
