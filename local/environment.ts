import { join, resolve } from "node:path";
import { readPostgresUrl } from "../ops/database/connection.ts";
import { configurationVariables } from "../src/config.ts";
import { StartError } from "./start-error.ts";

/** The project's own directory. */
export const projectDirectory = join(import.meta.dirname, "..");

/** What `npm start` was told by its environment. */
export interface StartEnvironment {
  readonly port: number;
  readonly dataDirectory: string;
  /** PostgreSQL as the worker, or as the owner where that is the only URL; undefined for the embedded database. */
  readonly databaseUrl: URL | undefined;
  readonly ownerUrl: URL | undefined;
  /** What is set of the worker's own variables, the two that lead to its database apart. */
  readonly workerVariables: Readonly<Record<string, string>>;
}

// These the start sets itself: the worker always meets the gateway.
const OWN_VARIABLES = ["DATABASE_URL", "NEON_FETCH_ENDPOINT"];
const DEFAULT_PORT = "8787";

/**
 * Reads the environment; an empty variable counts as one that is not set.
 *
 * @throws StartError or DatabaseCommandError naming the variable that does not fit
 */
export function readStartEnvironment(variables: NodeJS.ProcessEnv): StartEnvironment {
  const set = new Map(Object.entries(variables).filter((entry): entry is [string, string] => !!entry[1]));
  const readUrl = (name: string) => (set.has(name) ? readPostgresUrl(name, set.get(name)) : undefined);
  return {
    port: readPort(set.get("PORT") ?? DEFAULT_PORT),
    dataDirectory: resolve(projectDirectory, set.get("DATA_DIR") ?? ".data"),
    databaseUrl: readUrl("DATABASE_URL"),
    ownerUrl: readUrl("DATABASE_OWNER_URL"),
    workerVariables: Object.fromEntries(
      configurationVariables
        .filter((name) => !OWN_VARIABLES.includes(name))
        .flatMap((name) => [...set].filter(([key]) => key === name)),
    ),
  };
}

function readPort(value: string): number {
  const port = Number(value);
  if (!/^\d{1,5}$/.test(value) || port < 1 || port > 65_535) {
    throw new StartError(`PORT must be a number from 1 to 65535, not ${JSON.stringify(value.slice(0, 20))}`);
  }
  return port;
}
