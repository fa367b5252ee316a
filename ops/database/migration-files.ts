import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseCommandError } from "./database-command-error.ts";

/**
 * What a migration does to the release that runs while it is applied: that one misses nothing after an expansion, and
 * may miss something after a contraction.
 */
export type MigrationKind = "expand" | "contract";

/** A migration as it lies on disk. */
export interface MigrationFile {
  /** The file's name without `.sql`, by which migrations sort: `0001_users_and_tasks`. */
  readonly name: string;
  /** What the first line of `up` declares. */
  readonly kind: MigrationKind;
  readonly up: string;
  readonly down: string;
  /** SHA-256 of `up`, in hex. */
  readonly checksum: string;
}

/** Where this project keeps its migrations. */
const migrationsDirectory = join(import.meta.dirname, "../../drizzle");

/**
 * Migrations from before the first line declared their kind. A line added to them now would change their checksums, and
 * no database that has them applied could be migrated again.
 */
const DECLARED_HERE: ReadonlyMap<string, MigrationKind> = new Map([
  ["0001_users_and_tasks", "expand"],
  ["0002_conversations", "expand"],
  ["0003_delete_account", "expand"],
  ["0004_utc_moments", "expand"],
]);

/** The first line of every other migration: `-- expand` or `-- contract`, and why after a colon where one wants to. */
const DECLARATION = /^-- (expand|contract)(?=\s*$|:)/;
const MIGRATION_NAME = /^(\d{4}_[a-z0-9_]+)\.sql$/;

/**
 * Reads the migrations of a directory, in order.
 *
 * @throws DatabaseCommandError for a migration that declares no kind or has no way back, or two with one number
 */
export async function readMigrationFiles(directory: string = migrationsDirectory): Promise<MigrationFile[]> {
  const names = (await readdir(directory))
    .map((file) => MIGRATION_NAME.exec(file)?.[1])
    .filter((name) => name !== undefined)
    .sort();
  const files = await Promise.all(names.map((name) => readMigrationFile(directory, name)));
  const repeated = files.find((file, index) => files[index + 1]?.name.slice(0, 4) === file.name.slice(0, 4));
  if (repeated) throw new DatabaseCommandError(`two migrations have the number ${repeated.name.slice(0, 4)}`);
  return files;
}

async function readMigrationFile(directory: string, name: string): Promise<MigrationFile> {
  const up = await readFile(join(directory, `${name}.sql`), "utf8");
  const down = await readFile(join(directory, `${name}.down.sql`), "utf8").catch((error: unknown) => {
    throw new DatabaseCommandError(`${name}.sql has no ${name}.down.sql beside it`, { cause: error });
  });
  return { name, kind: kindOf(name, up), up, down, checksum: createHash("sha256").update(up).digest("hex") };
}

function kindOf(name: string, up: string): MigrationKind {
  const [firstLine = ""] = up.split("\n", 1);
  const declared = DECLARATION.exec(firstLine)?.[1] ?? DECLARED_HERE.get(name);
  if (declared === "expand" || declared === "contract") return declared;
  throw new DatabaseCommandError(`the first line of ${name}.sql must be "-- expand" or "-- contract"`);
}
