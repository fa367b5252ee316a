import { inject } from "vitest";
import { z } from "zod";

const rowsSchema = z.array(z.record(z.string(), z.unknown()));

/**
 * Runs SQL as the owner of the database of this test, past the worker and past row-level security. Dates and
 * timestamps come back as text.
 *
 * @throws Error with Postgres' message
 */
export async function ownerQuery(sql: string, params: unknown[] = []): Promise<Record<string, unknown>[]> {
  const { owner } = inject("databases")[inject("databaseName")] ?? {};
  if (owner === undefined) throw new Error("this run has no such database");
  const response = await fetch(owner.url, {
    method: "POST",
    headers: { authorization: `Bearer ${owner.token}` },
    body: JSON.stringify({ sql, params }),
  });
  if (!response.ok) throw new Error(`the owner's query failed: ${await response.text()}`);
  return rowsSchema.parse(await response.json());
}

/** How long it takes at most, in milliseconds, until a lock that was asked for is there. */
const LOCKED_WITHIN = 250;

/** Locks rows for a second, such as `tasks where id = 1 for update`; `released` resolves when they are free again. */
export async function holdRows(rows: string): Promise<{ released: Promise<unknown> }> {
  const seconds = 1 + LOCKED_WITHIN / 1000;
  const released = ownerQuery(`do $$ begin perform 1 from ${rows}; perform pg_sleep(${seconds}); end $$`);
  await new Promise((resolve) => setTimeout(resolve, LOCKED_WITHIN));
  return { released };
}
