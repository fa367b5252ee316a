import { env } from "cloudflare:workers";
import { neon } from "@neondatabase/serverless";
import { readConfiguration } from "../../src/config.ts";
import { ownerQuery } from "./owner.ts";
import type { Person } from "./person.ts";

/** A person's tasks, deleted ones as nothing, without what an undo lets go on: version, times, numbers. */
export async function imagesOf(person: Person): Promise<Record<string, unknown>> {
  const rows = await ownerQuery(
    `select id, logged_columns(to_jsonb(tasks)) - array['version', 'created_at', 'updated_at', 'completed_at', 'changed_by'] as image
     from tasks where user_id = $1 and deleted_at is null order by id`,
    [person.id],
  );
  return Object.fromEntries(rows.map(({ id, image }) => [String(id), image]));
}

/** Deletes a person's task as the release before does, with its row. */
export async function deleteRow(person: Person, id: number): Promise<void> {
  const call = {
    user_id: person.id,
    credential: { kind: "sign_in", id: crypto.randomUUID(), issued_at: new Date().toISOString() },
    origin: { via: "http" },
    write: { key: `server:${crypto.randomUUID()}`, tool: "delete_task", is_kept: false },
  };
  const sql = neon(readConfiguration(env).DATABASE_URL);
  await sql.transaction([
    sql`select set_caller(${JSON.stringify(call)}::jsonb)`,
    sql`delete from tasks where user_id = ${person.id} and id = ${id}`,
    sql`select end_call()`,
  ]);
}
