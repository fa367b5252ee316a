import { sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";

/** How the server is: healthy only when the database answers. */
export interface Health {
  readonly status: "healthy" | "unhealthy";
  readonly database: "connected" | "unreachable";
  /** The deployed version's id; on one's own machine one that each start makes up. */
  readonly version: string;
}

/** Asks the database for the smallest answer there is. */
export async function checkHealth(database: Database, version: string): Promise<{ health: Health; error?: unknown }> {
  try {
    await database.callFunction(sql`select 1`);
    return { health: { status: "healthy", database: "connected", version } };
  } catch (error) {
    return { health: { status: "unhealthy", database: "unreachable", version }, error };
  }
}

/** Whoever reads the metrics does not wait for a database that hangs. */
const CHECK_TIMEOUT_MILLISECONDS = 2_000;
const CHECK_LIFETIME_MILLISECONDS = 5_000;

let lastCheck: { readonly isUp: boolean; readonly checkedAt: number } | undefined;

/** Whether the database answers; asked at most every 5 seconds by one isolate, and for 2 seconds at most. */
export async function checkDatabase(database: Database): Promise<boolean> {
  if (lastCheck !== undefined && Date.now() - lastCheck.checkedAt < CHECK_LIFETIME_MILLISECONDS) return lastCheck.isUp;
  const timer = Promise.withResolvers<boolean>();
  const timeout = setTimeout(() => timer.resolve(false), CHECK_TIMEOUT_MILLISECONDS);
  const answered = checkHealth(database, "").then(({ health }) => health.status === "healthy");
  const isUp = await Promise.race([answered, timer.promise]);
  clearTimeout(timeout);
  lastCheck = { isUp, checkedAt: Date.now() };
  return isUp;
}
