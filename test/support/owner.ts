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
  const response = await askOwner({ sql, params });
  return rowsSchema.parse(await response.json());
}

/**
 * Locks rows, such as `tasks where id = 1 for update`: they are locked when this resolves, and `released` resolves when
 * they are free again.
 *
 * @param hold for how long, in milliseconds
 */
export async function holdRows(rows: string, hold = 1_000): Promise<{ released: Promise<unknown> }> {
  const response = await askOwner({ sql: `select from ${rows}`, params: [], hold });
  return { released: response.text() };
}

async function askOwner(request: { sql: string; params: unknown[]; hold?: number }): Promise<Response> {
  const { owner } = inject("databases")[inject("databaseName")] ?? {};
  if (owner === undefined) throw new Error("this run has no such database");
  const response = await fetch(owner.url, {
    method: "POST",
    headers: { authorization: `Bearer ${owner.token}` },
    body: JSON.stringify(request),
  });
  if (!response.ok) throw new Error(`the owner's query failed: ${await response.text()}`);
  return response;
}
