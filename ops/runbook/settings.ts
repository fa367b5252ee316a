import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { z } from "zod";
import { hasCode, RunbookError, UsageError } from "./runbook-error.ts";

/** The project's own directory. */
export const projectDirectory = join(import.meta.dirname, "../..");

const environmentSchema = z.enum(["staging", "production"]);

/** An environment that is released to. */
export type EnvironmentName = z.output<typeof environmentSchema>;

/** @throws UsageError naming the flag */
export function readEnvironmentName(value: string | undefined): EnvironmentName {
  const name = environmentSchema.safeParse(value ?? "production");
  if (!name.success) throw new UsageError(`--env must be staging or production, not ${JSON.stringify(value)}`);
  return name.data;
}

const FOR_WRANGLER = ["CLOUDFLARE_API_TOKEN", "CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_BASE_URL"] as const;

/** What the operator has set: the process's environment, and below it `.env.staging` or `.env.production`. */
export class Settings {
  readonly environment: EnvironmentName;
  /** The file's path, and whether it is there. */
  readonly file: { readonly path: string; readonly exists: boolean };
  readonly #values: ReadonlyMap<string, string>;

  private constructor(
    environment: EnvironmentName,
    file: { path: string; exists: boolean },
    values: Record<string, string | undefined>,
  ) {
    this.environment = environment;
    this.file = file;
    this.#values = new Map(
      Object.entries(values).flatMap(([name, value]) => (value === undefined || value === "" ? [] : [[name, value]])),
    );
  }

  /**
   * @param file another one than `.env.<environment>` beside package.json
   * @throws UsageError when that is not there
   */
  static async read(environment: EnvironmentName, file?: string): Promise<Settings> {
    const path = file ?? join(projectDirectory, `.env.${environment}`);
    let text: string | undefined;
    try {
      text = await readFile(path, "utf8");
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw new RunbookError(`${path} cannot be read`, { cause: error });
    }
    // The default is made by setup; one that was named should be there.
    if (text === undefined && file !== undefined) throw new UsageError(`--env-file ${file} is not there`);
    const values = { ...parseEnv(text ?? ""), ...process.env };
    return new Settings(environment, { path, exists: text !== undefined }, values);
  }

  /** A variable's value; an empty one counts as not set. */
  get(name: string): string | undefined {
    return this.#values.get(name);
  }

  /** Puts what wrangler goes by into the environment: it knows its account by nothing else. */
  exportForWrangler(): void {
    for (const name of FOR_WRANGLER) {
      const value = this.get(name);
      if (value !== undefined) process.env[name] = value;
    }
  }

  /** @throws RunbookError naming the variable */
  need(name: string): string {
    const value = this.#values.get(name);
    if (value === undefined) {
      throw new RunbookError(`${name} is not set: put it into the environment or into ${this.file.path}`);
    }
    return value;
  }
}
