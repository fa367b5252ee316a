import { randomBytes } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { z } from "zod";
import { StartError } from "./start-error.ts";

const secretsSchema = z.object({ JWT_SECRET: z.string(), METRICS_TOKEN: z.string(), DEMO_PASSWORD: z.string() });

const keptSecretsSchema = secretsSchema.partial();
type KeptSecrets = z.output<typeof keptSecretsSchema>;

/** What a development machine makes up for itself, once. */
export type Secrets = Readonly<z.output<typeof secretsSchema>>;

/**
 * Reads the secrets of a data directory, and makes those that it lacks.
 *
 * @throws StartError when the file is there but not readable as secrets
 */
export async function keepSecrets(path: string): Promise<Secrets> {
  const kept = await readSecrets(path);
  const secrets = {
    JWT_SECRET: kept.JWT_SECRET ?? randomBytes(48).toString("base64url"),
    METRICS_TOKEN: kept.METRICS_TOKEN ?? randomBytes(32).toString("base64url"),
    DEMO_PASSWORD: kept.DEMO_PASSWORD ?? randomBytes(12).toString("base64url"),
  };
  if (!secretsSchema.safeParse(kept).success) {
    // By a rename, so that a crash leaves either no secrets or all of them.
    await writeFile(`${path}.new`, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
    await rename(`${path}.new`, path);
  }
  return secrets;
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
