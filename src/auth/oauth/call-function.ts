import { type SQL, sql } from "drizzle-orm";
import * as z from "zod";
import { callFunction as callDatabaseFunction } from "../../database/call-function.ts";
import type { Database } from "../../database/database.ts";
import { fetchAsOurselves } from "./foreign-fetch.ts";

const doneSchema = z.tuple([z.object({ done: z.boolean() })]).transform(([{ done }]) => done);

/**
 * Calls one of the functions that need no caller.
 *
 * @returns its rows, unparsed
 * @throws ApplicationError `unavailable`, `internal`
 */
export function callFunction(
  database: Database,
  effect: "reads" | "writes",
  build: (deadline: string) => SQL,
): Promise<Record<string, unknown>[]> {
  return fetchAsOurselves(() => callDatabaseFunction(database, effect, build));
}

/** Calls one that changes something and says whether it did; a repeat of the call is told the same. */
export async function changeByFunction(database: Database, call: (deadline: string) => SQL): Promise<boolean> {
  return doneSchema.parse(await callFunction(database, "writes", (deadline) => sql`select ${call(deadline)} as done`));
}
