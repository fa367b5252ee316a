import { parseArgs } from "node:util";
import { faultOfArguments } from "../runbook/command.ts";
import { type EnvironmentName, readEnvironmentName, Settings } from "../runbook/settings.ts";
import { readPostgresUrl, withConnection } from "./connection.ts";
import { DatabaseCommandError } from "./database-command-error.ts";
import { type MigrationConnection, type MigrationStatus, migrate, rollBack, surveyMigrations } from "./migrate.ts";
import { readMigrationFiles } from "./migration-files.ts";
import { ensureWorkerLogin } from "./worker-login.ts";

const USAGE = `npm run db:migrate
npm run db:rollback -- --steps <number>
npm run db:status -- [--json]

  --steps <number>          how many migrations to roll back
  --json                    one JSON array on standard output
  --env staging|production  which environment (default: production)
  --env-file <path>         where DATABASE_OWNER_URL stands, if not in the environment (default: .env.<env>)
  --help                    these lines
`;

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${faultOfArguments(error)}\n`);
  process.exitCode = 1;
}

async function main(args: string[]): Promise<void> {
  if (args.includes("--help")) {
    process.stdout.write(USAGE);
    return;
  }
  const { command, steps, json, environment, envFile } = readArguments(args);
  const files = await readMigrationFiles();
  const settings = await Settings.read(environment, envFile);
  const ownerUrl = readPostgresUrl("DATABASE_OWNER_URL", settings.need("DATABASE_OWNER_URL"));
  await withConnection("DATABASE_OWNER_URL", ownerUrl, async (owner) => {
    if (command === "rollback") print(await rollBack(owner, files, steps), "rolled back", "nothing to roll back");
    else if (command === "status") printStatus(await surveyMigrations(owner, files), json);
    else {
      print(await migrate(owner, files), "applied", "nothing to apply");
      await giveWorkerItsLogin(owner, settings);
    }
  });
}

interface Arguments {
  readonly command: string;
  readonly steps: number;
  readonly json: boolean;
  readonly environment: EnvironmentName;
  readonly envFile: string | undefined;
}

function readArguments(args: string[]): Arguments {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      steps: { type: "string" },
      json: { type: "boolean", default: false },
      env: { type: "string" },
      "env-file": { type: "string" },
    },
  });
  const [command, ...rest] = positionals;
  if (command === undefined || !["migrate", "rollback", "status"].includes(command) || rest.length > 0) {
    throw new DatabaseCommandError(
      "the commands are db:migrate, db:rollback and db:status; --help shows their options",
    );
  }
  const common = {
    command,
    json: values.json,
    environment: readEnvironmentName(values.env),
    envFile: values["env-file"],
  };
  if (command !== "rollback") return { ...common, steps: 0 };
  if (values.steps === undefined || !/^[1-9]\d{0,3}$/.test(values.steps)) {
    throw new DatabaseCommandError("--steps must be how many migrations to roll back, 1 or more");
  }
  return { ...common, steps: Number(values.steps) };
}

async function giveWorkerItsLogin(owner: MigrationConnection, settings: Settings): Promise<void> {
  const DATABASE_URL = settings.get("DATABASE_URL");
  if (DATABASE_URL === undefined) return;
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
