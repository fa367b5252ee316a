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
