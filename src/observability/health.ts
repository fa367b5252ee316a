import { sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";

/** How the server is: healthy only when the database answers. */
export interface Health {
  readonly status: "healthy" | "unhealthy";
  readonly database: "connected" | "unreachable";
  /** The deployed version's id; empty on one's own machine. */
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
