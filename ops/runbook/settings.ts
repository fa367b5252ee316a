import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { z } from "zod";
import { RunbookError, UsageError } from "./runbook-error.ts";

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

  /** @param file another one than `.env.<environment>` beside package.json */
  static async read(environment: EnvironmentName, file?: string): Promise<Settings> {
    const path = file ?? join(projectDirectory, `.env.${environment}`);
    let text: string | undefined;
    try {
      text = await readFile(path, "utf8");
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) {
        throw new RunbookError(`${path} cannot be read`, { cause: error });
      }
    }
    const values = { ...parseEnv(text ?? ""), ...process.env };
    return new Settings(environment, { path, exists: text !== undefined }, values);
  }

  /** A variable's value; an empty one counts as not set. */
  get(name: string): string | undefined {
    return this.#values.get(name);
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
