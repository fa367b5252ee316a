import { randomBytes } from "node:crypto";
import { chmod, readFile, rename, stat, writeFile } from "node:fs/promises";
import { z } from "zod";
import { StartError } from "./start-error.ts";

const secretsSchema = z.object({
  JWT_SECRET: z.string(),
  TOKEN_SECRET: z.string(),
  METRICS_TOKEN: z.string(),
  DEMO_PASSWORD: z.string(),
  /** What the worker's role logs in to PostgreSQL with, where only the owner's URL is given. */
  WORKER_PASSWORD: z.string(),
});

const keptSecretsSchema = secretsSchema.partial();
type KeptSecrets = z.output<typeof keptSecretsSchema>;

/** What a development machine makes up for itself, once. */
export type Secrets = Readonly<z.output<typeof secretsSchema>>;

/**
 * Reads the secrets of a data directory, and makes those that it lacks. Nobody but the owner may read the file then.
 *
 * @throws StartError when the file is there but not readable as secrets, or cannot be kept from other users
 */
export async function keepSecrets(path: string): Promise<Secrets> {
  const kept = await readSecrets(path);
  const secrets = {
    JWT_SECRET: kept.JWT_SECRET ?? randomBytes(48).toString("base64url"),
    TOKEN_SECRET: kept.TOKEN_SECRET ?? randomBytes(48).toString("base64url"),
    METRICS_TOKEN: kept.METRICS_TOKEN ?? randomBytes(32).toString("base64url"),
    DEMO_PASSWORD: kept.DEMO_PASSWORD ?? randomBytes(12).toString("base64url"),
    WORKER_PASSWORD: kept.WORKER_PASSWORD ?? randomBytes(32).toString("base64url"),
  };
  if (secretsSchema.safeParse(kept).success) await keepFromOthers(path);
  else {
    // By a rename, so that a crash leaves either no secrets or all of them.
    await writeFile(`${path}.new`, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
    await rename(`${path}.new`, path);
  }
  return secrets;
}

/** Whether a file holds secrets that a start has made. */
export async function areSecrets(path: string): Promise<boolean> {
  try {
    return (await readSecrets(path)).JWT_SECRET !== undefined;
  } catch {
    // Somebody's own file.
    return false;
  }
}

/** A copy of the directory may have come with other permissions. */
async function keepFromOthers(path: string): Promise<void> {
  const { mode } = await stat(path);
  if ((mode & 0o077) === 0) return;
  await chmod(path, 0o600).catch((error: unknown) => {
    throw new StartError(`${path} can be read by other users, and that cannot be changed`, { cause: error });
  });
}

async function readSecrets(path: string): Promise<KeptSecrets> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
    throw new StartError(`${path} cannot be read`, { cause: error });
  }
  try {
    return keptSecretsSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new StartError(`${path} is damaged; delete it, and new secrets are made`, { cause: error });
  }
}
