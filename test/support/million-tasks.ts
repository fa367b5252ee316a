import type pg from "pg";
import { z } from "zod";

const PEOPLE = 10_000;
const TASKS = 1_000_000;
/** Of the first person; all others have as many as each other. */
const TASKS_OF_ONE = 100_000;

const namesSchema = z.array(z.object({ name: z.string(), definition: z.string() }));

/**
 * Fills a database with a million tasks of ten thousand people, one of whom has a hundred thousand, as the worker would have made
 * them. The triggers are off meanwhile, and what they keep is made at once; indexes are made at the end. Constraints are
 * off as well: to check the tags of a million tasks takes longer than to make them.
 *
 * @returns the id of the person with the most tasks
 */
export async function makeMillionTasks(owner: pg.Client): Promise<number> {
  // Of a test database, which keeps nothing.
  await owner.query("set synchronous_commit = off; set maintenance_work_mem = '256MB'; set work_mem = '64MB'");
  const tables = ["tasks", "task_tags", "task_words"];
  const foreignKeys = await read(
    owner,
    `select conname as name, conrelid::regclass::text as definition from pg_constraint
     where contype = 'f' and conrelid::regclass::text = any ($1)`,
    [tables],
  );
  for (const { name, definition } of foreignKeys) {
    await owner.query(`alter table ${definition} drop constraint ${name} cascade`);
  }
  const checks = await read(
    owner,
    `select conname as name, pg_get_constraintdef(oid) as definition from pg_constraint
     where contype = 'c' and conrelid = 'tasks'::regclass`,
    [],
  );
  for (const { name } of checks) await owner.query(`alter table tasks drop constraint ${name}`);
  const indexes = await read(
    owner,
    `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index
     where indrelid::regclass::text = any ($1) and not indisprimary`,
    [tables],
  );
  for (const { name } of indexes) await owner.query(`drop index ${name}`);
  for (const table of tables) await owner.query(`alter table ${table} disable trigger user`);
  const [first] = z.array(z.object({ id: z.int() })).parse(
    (
      await owner.query(
        `with made as (
           insert into users (email, name, password_hash) select 'person-' || n || '@example.com', 'Ada', 'no hash'
           from generate_series(1, $1) as n returning id
         ) select min(id) as id from made`,
        [PEOPLE],
      )
    ).rows,
  );
  const own = first?.id ?? 0;
  const each = Math.floor((TASKS - TASKS_OF_ONE) / (PEOPLE - 1));
  await owner.query(
    `insert into tasks (user_id, id, title, status, priority, due_date, due_at, tags, searched_tags, searched_text,
       created_at, updated_at, completed_at, deleted_at, position)
     overriding system value
     select person, n, title, status, (array['none', 'none', 'none', 'low', 'medium', 'high', 'urgent'])[1 + h % 7],
       case when h / 7 % 5 < 2 then current_date + (h / 35 % 400) - 200 end,
       case when h / 7 % 5 = 2 then date_trunc('second', now()) + make_interval(mins => h / 35 % 500000 - 250000) end,
       tags, tags, lower(title),
       made, made + interval '1 hour', case when status = 'completed' then made + interval '1 hour' end,
       case when h / 11 % 97 = 0 then now() end,
       case when h / 13 % 10 = 0 then (h % 1000)::double precision end
     from (
       select person, n, h, now() - make_interval(mins => 200000 - 2 * n) as made,
         (array['Call', 'Pay', 'Write to', 'Visit', 'Thank', 'Invoice', 'Remind', 'Ask'])[1 + h % 8] || ' ' ||
         (array['the dentist', 'the electricity company', 'Ada', 'the bank', 'Tom', 'the plumber', 'a friend', 'the office'])[1 + h / 8 % 8]
         || case when h % 2000 = 1999 then ' about the zeppelin' else '' end || case when h / 17 % 60 = 0 then ' in Quito' else '' end as title,
         case when h / 3 % 100 < 45 then 'pending' when h / 3 % 100 < 50 and h % 20 = 0 then 'in_progress' when h / 3 % 100 < 97 then 'completed' else 'cancelled' end as status,
         array(select tag from unnest(array['common', 'middling', 'rare'], array[2, 60, 3000]) as given (tag, share) where h / 5 % share = 0) as tags
       from (
         select person, n, (hashint4(person * 31 + n * 7919) & 2147483647) as h
         from generate_series($1::integer, $1::integer + ${PEOPLE - 1}) as person,
           generate_series(1, case when person = $1::integer then ${TASKS_OF_ONE} else ${each} end) as n
       ) as drawn
     ) as made`,
    [own],
  );
  await owner.query(
    `insert into task_tags (user_id, tag, task_id, is_open)
     select user_id, tag, id, deleted_at is null and status in ('pending', 'in_progress') from tasks, unnest(searched_tags) as tag`,
  );
  // There are far fewer titles than tasks: materialized, as their words would be looked for again for each task.
  await owner.query(
    `with texts as materialized (
       select searched_text, words_of(searched_text) as words from (select distinct searched_text from tasks) as titles
     )
     insert into task_words (user_id, task_id, words)
     select tasks.user_id, tasks.id, array_to_tsvector(array(select tasks.user_id || ':' || word from unnest(texts.words) as word))
     from tasks join texts using (searched_text)`,
  );
  await owner.query(
    "update users set task_count = counted.n, last_task_id = counted.last from (select user_id, count(*) filter (where deleted_at is null) as n, max(id) as last from tasks group by user_id) as counted where users.id = counted.user_id",
  );
  for (const { name, definition } of checks) {
    await owner.query(`alter table tasks add constraint ${name} ${definition} not valid`);
  }
  for (const table of tables) await owner.query(`alter table ${table} enable trigger user`);
  for (const { definition } of indexes) await owner.query(definition);
  for (const table of [...tables, "users"]) await owner.query(`analyze ${table}`);
  return own;
}

async function read(owner: pg.Client, sql: string, values: unknown[]) {
  return namesSchema.parse((await owner.query(sql, values)).rows);
}
