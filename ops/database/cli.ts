import { parseArgs } from "node:util";
import { readPostgresUrl, withConnection } from "./connection.ts";
import { DatabaseCommandError } from "./database-command-error.ts";
import { type MigrationConnection, type MigrationStatus, migrate, rollBack, surveyMigrations } from "./migrate.ts";
import { readMigrationFiles } from "./migration-files.ts";
import { ensureWorkerLogin } from "./worker-login.ts";

const USAGE = "usage: cli.ts migrate | rollback --steps <number> | status [--json]";

try {
  await main(process.argv.slice(2));
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${message.replaceAll("\n", " ")}\n`);
  process.exitCode = 1;
}

async function main(args: string[]): Promise<void> {
  const { command, steps, json } = readArguments(args);
  const files = await readMigrationFiles();
  const ownerUrl = readPostgresUrl("DATABASE_OWNER_URL", process.env.DATABASE_OWNER_URL);
  await withConnection("DATABASE_OWNER_URL", ownerUrl, async (owner) => {
    if (command === "rollback") print(await rollBack(owner, files, steps), "rolled back", "nothing to roll back");
    else if (command === "status") printStatus(await surveyMigrations(owner, files), json);
    else {
      print(await migrate(owner, files), "applied", "nothing to apply");
      await giveWorkerItsLogin(owner);
    }
  });
}

function readArguments(args: string[]): { command: string; steps: number; json: boolean } {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { steps: { type: "string" }, json: { type: "boolean", default: false } },
  });
  const [command, ...rest] = positionals;
  if (command === undefined || !["migrate", "rollback", "status"].includes(command) || rest.length > 0) {
    throw new DatabaseCommandError(USAGE);
  }
  if (command !== "rollback") return { command, steps: 0, json: values.json };
  if (values.steps === undefined || !/^[1-9]\d{0,3}$/.test(values.steps)) {
    throw new DatabaseCommandError("--steps must be how many migrations to roll back, 1 or more");
  }
  return { command, steps: Number(values.steps), json: values.json };
}

async function giveWorkerItsLogin(owner: MigrationConnection): Promise<void> {
  const { DATABASE_URL } = process.env;
  if (DATABASE_URL === undefined || DATABASE_URL === "") return;
  await ensureWorkerLogin(owner, readPostgresUrl("DATABASE_URL", DATABASE_URL));
  process.stdout.write("task_worker can log in with DATABASE_URL\n");
}

function print(names: readonly string[], done: string, nothing: string): void {
  process.stdout.write(names.length === 0 ? `${nothing}\n` : names.map((name) => `${done} ${name}\n`).join(""));
}

function printStatus(migrations: readonly MigrationStatus[], json: boolean): void {
  if (json) {
    const rows = migrations.map(({ name, appliedAt, isOnDisk }) => ({
      name,
      applied_at: appliedAt ?? null,
      on_disk: isOnDisk,
    }));
    process.stdout.write(`${JSON.stringify(rows)}\n`);
    return;
  }
  const lines = migrations.map(({ name, appliedAt, isOnDisk }) => {
    if (appliedAt === undefined) return `pending  ${name}\n`;
    const newer = isOnDisk ? "" : "  by a newer version than this, which has no such file";
    return `applied  ${name}  ${appliedAt}${newer}\n`;
  });
  process.stdout.write(lines.join(""));
}
