import type pg from "pg";
import { z } from "zod";

const countSchema = z.tuple([z.object({ used: z.coerce.number(), most: z.coerce.number() })]);

/** How many connections a database has open, and how many its server lets in. */
export interface Connections {
  readonly used: number;
  readonly most: number;
}

/** Asks the server. */
export async function countConnections(client: pg.ClientBase): Promise<Connections> {
  const { rows } = await client.query(
    "select count(*) as used, current_setting('max_connections') as most from pg_stat_activity where backend_type = 'client backend'",
  );
  return countSchema.parse(rows)[0];
}
