import pg from "pg";
import { z } from "zod";
import { DatabaseCommandError } from "./database-command-error.ts";

const CONNECTION_TIMEOUT_MILLISECONDS = 4_000;

const postgresUrlSchema = z.url({ protocol: /^postgres(ql)?$/ });

/**
 * The value of a variable that must be a postgres:// URL.
 *
 * @throws DatabaseCommandError naming the variable and never its value
 */
export function readPostgresUrl(variable: string, value: string | undefined): URL {
  if (value === undefined || value === "") throw new DatabaseCommandError(`${variable} is not set`);
  const url = postgresUrlSchema.safeParse(value);
  if (!url.success) throw new DatabaseCommandError(`${variable} must be a postgres:// URL`);
  return new URL(url.data);
}

/** A URL as it may be shown: without its password and parameters. */
export function withoutSecrets(url: URL): string {
  return `${url.protocol}//${url.username}@${url.host}${url.pathname}`;
}

/**
 * Runs work on a connection of its own, and closes it. TLS goes by the URL's `sslmode`.
 *
 * @param variable the variable that the URL is from, to name in messages
 * @throws DatabaseCommandError when the server cannot be reached or refuses the login
 */
export async function withConnection<Result>(
  variable: string,
  url: URL,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = await openConnection(url).catch((error: unknown) => {
    throw new DatabaseCommandError(
      `cannot connect to ${variable} (${withoutSecrets(url)}): ${describeConnectionError(error)}`,
      { cause: error },
    );
  });
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Connects, or throws what `pg` throws. */
export async function openConnection(url: URL): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url.href,
    connectionTimeoutMillis: CONNECTION_TIMEOUT_MILLISECONDS,
    application_name: "mcp-task-server",
  });
  // A connection that breaks fails the query that is running; without a listener it would end the process as well.
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

/** One line that says why a connection failed; Node's errors for a host with several addresses have no message. */
export function describeConnectionError(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describeConnectionError).join("; ");
  return error instanceof Error ? error.message : String(error);
}
