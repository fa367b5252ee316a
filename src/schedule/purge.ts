import { type SQL, sql } from "drizzle-orm";
import * as z from "zod";
import type { Configuration } from "../config.ts";
import { callFunction } from "../database/call-function.ts";
import type { Database } from "../database/database.ts";
import type { PurgedRows } from "../observability/metric-catalog.ts";

/** How many rows a step takes, so that nobody waits for it; one may be a change of many tasks. */
const STEP_ROWS = 200;

/** What has to be done again and again, a step at a time: a function of the database (drizzle/0027_purge.sql). */
export interface Chore {
  /** What it logs or removes. */
  readonly rows: PurgedRows;
  readonly step: (deadline: string) => SQL;
}

/** Every chore, the most urgent first. */
export function choresOf({ HISTORY_DAYS }: Configuration): readonly Chore[] {
  return [
    { rows: "lapsed_claims", step: (deadline) => sql`select log_lapsed_claims(${STEP_ROWS}, ${deadline}) as taken` },
    { rows: "expired", step: (deadline) => sql`select purge_expired(${STEP_ROWS}, ${deadline}) as taken` },
    { rows: "deleted_tasks", step: (deadline) => sql`select purge_deleted_tasks(${STEP_ROWS}, ${deadline}) as taken` },
    {
      rows: "changes",
      step: (deadline) => sql`select purge_history(${HISTORY_DAYS}, ${STEP_ROWS}, ${deadline}) as taken`,
    },
  ];
}

const takenSchema = z.tuple([z.object({ taken: z.int() })]);

/**
 * Does one step of a chore, one request to the database.
 *
 * @returns how many rows it has taken; 0 where nothing is left to do, or others hold what is left
 * @throws ApplicationError as `callFunction` does
 */
export async function takeStep(database: Database, { step }: Chore): Promise<number> {
  const [{ taken }] = takenSchema.parse(await callFunction(database, "writes", step));
  return taken;
}
