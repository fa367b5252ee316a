import type pg from "pg";
import { z } from "zod";
import { StartError } from "./start-error.ts";

// The pool's values are Postgres' own text.
const flag = z.enum(["t", "f"]).transform((value) => value === "t");
const roleSchema = z.tuple([z.object({ name: z.string(), superuser: flag, bypasses: flag, owns: flag })]);

/**
 * Makes sure that row-level security holds for the role of a pool.
 *
 * @throws StartError when the role is a superuser's, bypasses row-level security or owns the tables
 */
export async function refuseUnsafeRole(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query(
    `select rolname as name, rolsuper as superuser, rolbypassrls as bypasses, exists (
        select from pg_class
        where oid in (to_regclass('users'), to_regclass('tasks'), to_regclass('revoked_tokens'))
          and pg_has_role(current_user, relowner, 'member')
      ) as owns
      from pg_roles where rolname = current_user`,
  );
  const [{ name, superuser, bypasses, owns }] = roleSchema.parse(rows);
  const reason = [
    superuser ? "is a superuser" : "",
    bypasses ? "bypasses row-level security" : "",
    owns ? "owns the tables" : "",
  ].find((text) => text !== "");
  if (reason !== undefined) throw new StartError(`the worker may not use the role ${name}, which ${reason}`);
}
