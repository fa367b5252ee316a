import { neon, neonConfig } from "@neondatabase/serverless";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { z } from "zod";

const { pglite, postgresql } = inject("databases");
const INSUFFICIENT_PRIVILEGE = "42501";
const emailSchema = z.tuple([z.object({ email: z.string() })]);
const idSchema = z.tuple([z.object({ id: z.number() })]);

// As the worker's role, and past everything that the worker does for safety's sake: the database's own two locks.
describe.each([
  ["PGlite", pglite],
  ["PostgreSQL", postgresql],
])("the locks in SQL on %s", (_, found) => {
  const test = it.skipIf(found === undefined);
  const { connectionString, fetchEndpoint } = found ?? pglite;
  const sql = neon(connectionString);
  let ada = 0;
  let grace = 0;
  let taskOfAda = 0;

  const asUser = (user: number, query: ReturnType<typeof sql>) =>
    sql.transaction([sql`select set_config('app.user_id', ${String(user)}, true)`, query]).then(([, rows]) => rows);
  const insert = (user: number) => sql`insert into tasks (user_id, title) values (${user}, 'Secret') returning id`;

  beforeAll(async () => {
    neonConfig.fetchEndpoint = fetchEndpoint;
    const signUp = async () =>
      idSchema.parse(
        await sql`select id from sign_up(${`${crypto.randomUUID()}@example.com`}, 'Somebody', 'UTC', 'hash')`,
      )[0].id;
    ada = await signUp();
    grace = await signUp();
    taskOfAda = idSchema.parse(await asUser(ada, insert(ada)))[0].id;
  });

  test("a query without its user sees nothing and changes nothing", async () => {
    expect(await sql`select id from tasks`).toEqual([]);
    expect(await sql`select id from users`).toEqual([]);
    expect(await sql`select token_id from revoked_tokens`).toEqual([]);
    expect(await sql`update tasks set title = 'Changed' returning id`).toEqual([]);
    expect(await sql`delete from tasks returning id`).toEqual([]);
    await expect(insert(ada)).rejects.toMatchObject({ code: INSUFFICIENT_PRIVILEGE });
    expect(await asUser(ada, sql`select title from tasks where id = ${taskOfAda}`)).toEqual([{ title: "Secret" }]);
  });

  test("another user's rows cannot be seen, changed, taken or given", async () => {
    expect(await asUser(grace, sql`select id from tasks where id = ${taskOfAda}`)).toEqual([]);
    expect(await asUser(grace, sql`update tasks set title = 'Hers' where id = ${taskOfAda} returning id`)).toEqual([]);
    expect(await asUser(grace, sql`delete from tasks where id = ${taskOfAda} returning id`)).toEqual([]);
    expect(await asUser(grace, sql`select id from users`)).toEqual([{ id: grace }]);
    await expect(asUser(grace, insert(ada))).rejects.toMatchObject({ code: INSUFFICIENT_PRIVILEGE });
    const give = sql`update tasks set user_id = ${grace} where id = ${taskOfAda}`;
    await expect(asUser(ada, give)).rejects.toMatchObject({ code: INSUFFICIENT_PRIVILEGE });
  });

  test("the user is gone after the transaction", async () => {
    await asUser(ada, sql`select 1`);
    expect(await sql`select current_user_id() as id, id as task from tasks`).toEqual([]);
    expect(await sql`select current_user_id() as id`).toEqual([{ id: null }]);
  });

  test("the password's hash cannot be selected, not even one's own", async () => {
    const read = asUser(ada, sql`select password_hash from users`);
    await expect(read).rejects.toMatchObject({ code: INSUFFICIENT_PRIVILEGE });
    const everything = asUser(ada, sql`select * from users`);
    await expect(everything).rejects.toMatchObject({ code: INSUFFICIENT_PRIVILEGE });
  });

  test("a password's hash is given for one e-mail at a time", async () => {
    const [{ email }] = emailSchema.parse(await asUser(ada, sql`select email from users`));
    const credentials = sql`select id, password_hash from find_credentials(${email})`;
    expect(await credentials).toEqual([{ id: ada, password_hash: "hash" }]);
    expect(await sql`select id from find_credentials('%')`).toEqual([]);
  });

  test.each([
    "select hash from account_links",
    "update account_links set expires_at = now()",
    "insert into account_links (hash, user_id, kind, expires_at) select repeat('0', 64), 1, 'reset_password', now()",
    "select take_account_link(repeat('0', 64), 'reset_password', gen_random_uuid())",
    "select end_sign_ins(1, now(), true)",
    "select count_mail('anybody')",
  ])("the worker reaches links by their functions alone: %s", async (statement) => {
    await expect(sql.query(statement)).rejects.toMatchObject({ code: INSUFFICIENT_PRIVILEGE });
  });

  test("nobody changes a password or signs out without having set a user", async () => {
    const counts = { clients: 0, tokens: 0 };
    const change = sql`select change_password('hash', 'other', now(), true)`;
    await expect(change).rejects.toMatchObject({ code: "TS005" });
    expect(await sql`select sign_out_everywhere(now(), true) as left`).toEqual([{ left: counts }]);
    const [{ email }] = emailSchema.parse(await asUser(ada, sql`select email from users where signed_out_at is null`));
    expect(await sql`select password_hash from find_credentials(${email})`).toEqual([{ password_hash: "hash" }]);
  });

  test.each([
    "create table mine (id int)",
    "truncate tasks",
    "drop table tasks",
    "alter table tasks disable row level security",
  ])("the worker may not: %s", async (statement) => {
    await expect(sql.query(statement)).rejects.toMatchObject({ code: INSUFFICIENT_PRIVILEGE });
  });

  test("the worker is no superuser and bypasses nothing", async () => {
    expect(
      await sql`select rolname, rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname = current_user`,
    ).toEqual([{ rolname: "task_worker", rolsuper: false, rolbypassrls: false, rolcreaterole: false }]);
  });
});
