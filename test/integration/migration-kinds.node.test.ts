import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { createPgConfig } from "@electric-sql/pglite/node-postgres";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { migrate } from "../../ops/database/migrate.ts";
import { readMigrationFiles } from "../../ops/database/migration-files.ts";
import { findPostgresql, startPostgresqlCluster } from "../support/postgresql-cluster.ts";
import { missedAfter, readSchemaNeeds, type SchemaNeeds } from "../support/schema-needs.ts";

/**
 * What an expansion takes away that the release before did not use, by the migration's name: the line that the test
 * fails with, and why it does no harm.
 */
const UNUSED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "0005_calls_and_keys": {
    "no longer there: key of CREATE UNIQUE INDEX ON public.tasks USING btree (id)":
      "nothing referred to it, in a foreign key or in an on conflict",
    "may refuse or hide rows: tasks: CREATE UNIQUE INDEX ON public.tasks USING btree (user_id, id)":
      "the trigger numbers what the release before inserts as well",
  },
  "0007_searched_tasks": {
    "rows of tasks": "searched_text and searched_tags, which 0006 made and the release before does not read",
  },
  "0017_account_links": {
    "may refuse or hide rows: daily_counts: CHECK ((kind = ANY (ARRAY['sign_ups'::text, 'chat_tokens'::text, 'total_chat_tokens'::text, 'mails'::text])))":
      "it takes all that the one before it took, and another kind",
  },
  "0020_log_of_changes": {
    "may refuse or hide rows: tasks: restrictive policy tasks_not_deleted":
      "it hides deleted tasks, whose rows the release before would delete, and refuses none",
  },
  "0021_log_baseline": {
    "rows of users": "the baseline takes a number of its own; the release before adds to whatever is there",
    "rows of changes": "the release before reads no log",
    "rows of task_changes": "the release before reads no log",
  },
  "0043_tags_and_words": {
    "rows of task_words": "what 0042 made for finding tasks, which the release before does not read",
  },
};

/** What a release writes, table by table: an expansion leaves it as it is and lets it be written again. */
const WRITES = [
  [
    "users",
    "insert into users (email, name, password_hash) values (gen_random_uuid() || '@example.com', gen_random_uuid(), 'hash')",
  ],
  ["tasks", "insert into tasks (user_id, title) select id, 'Write' from users order by id limit 1"],
  ["revoked_tokens", "insert into revoked_tokens select gen_random_uuid(), id, now() from users order by id limit 1"],
  [
    "conversations",
    "insert into conversations (user_id, id, title) select id, gen_random_uuid(), gen_random_uuid() from users order by id limit 1",
  ],
  [
    "messages",
    `insert into messages (user_id, conversation_id, id, role, content)
     select user_id, id, gen_random_uuid()::text, 'user', '[]' from conversations limit 1`,
  ],
  [
    "approvals",
    `insert into approvals (id, user_id, conversation_id, message_id, call_id, call_hash, expires_at)
     select gen_random_uuid(), user_id, conversation_id, id, 'call', repeat('0', 64), now() from messages limit 1`,
  ],
  ["token_usage", "insert into token_usage select id, now()::date, 1 from users on conflict do nothing"],
] as const;

/** Those that databases have applied since before migrations declared their kind, and what they keep of each. */
const APPLIED = [
  "0001_users_and_tasks 5d1e5ad4c01f",
  "0002_conversations bf9f90873e82",
  "0003_delete_account b89ccd2ca1e1",
  "0004_utc_moments 289faa12d584",
];

const files = await readMigrationFiles();
/** PostgreSQL takes a tenth of the time; roles belong to all databases of a cluster, so it is one of this file's own. */
const programs = findPostgresql();
let close: () => Promise<void>;
let owner: pg.Client;
/** What the newest schema has, once it is there: what is tried on it is undone, and reading takes a second. */
let newest: SchemaNeeds | undefined;

beforeAll(async () => {
  if (programs === undefined) {
    const database = await PGlite.create();
    close = () => database.close();
    owner = new pg.Client(createPgConfig(database));
  } else {
    const cluster = await startPostgresqlCluster(programs);
    close = () => cluster.remove();
    await cluster.createDatabase("tasks");
    owner = new pg.Client({ connectionString: cluster.url("tasks").href });
  }
  await owner.connect();
});

afterAll(async () => {
  await owner.end();
  await close();
});

async function write(): Promise<void> {
  for (const [table, statement] of WRITES) {
    const { rows } = await owner.query("select to_regclass($1) is not null as is_there", [table]);
    if (rows[0].is_there) await owner.query(statement);
  }
}

/** Every row with the columns that it has now. */
async function readRows(needs: SchemaNeeds): Promise<Map<string, { columns: string; rows: unknown[] }>> {
  const tables = new Map<string, { columns: string; rows: unknown[] }>();
  for (const [table, names] of needs.columns) {
    const columns = [...names].map((name) => pg.escapeIdentifier(name)).join(", ");
    tables.set(table, { columns, rows: await selectRows(table, columns) });
  }
  return tables;
}

async function selectRows(table: string, columns: string): Promise<unknown[]> {
  return (await owner.query(`select ${columns} from ${table} order by ${columns}`)).rows;
}

/** Applies SQL, and says what the release before it, which needs the schema as it was, misses afterwards. */
async function missedBy(apply: () => Promise<unknown>, before: SchemaNeeds): Promise<string[]> {
  await write();
  const rows = await readRows(before);
  try {
    await apply();
  } catch (error) {
    return [`rows as they are: ${error instanceof Error ? error.message : error}`];
  }
  const missed = missedAfter(before, await readSchemaNeeds(owner));
  if (missed.length > 0) return missed;
  for (const [table, { columns, rows: rowsBefore }] of rows) {
    if (table === "schema_migrations") continue;
    if (JSON.stringify(await selectRows(table, columns)) !== JSON.stringify(rowsBefore))
      missed.push(`rows of ${table}`);
  }
  await write().catch((error: Error) => missed.push(`a write: ${error.message}`));
  return missed;
}

/** Tries SQL on the newest schema, and undoes it. */
async function missedByTrying(sql: string): Promise<string[]> {
  if (newest === undefined) {
    await migrate(owner, files);
    newest = await readSchemaNeeds(owner);
  }
  await owner.query("begin");
  try {
    return await missedBy(() => owner.query(sql), newest);
  } finally {
    await owner.query("rollback");
  }
}

describe("a migration that declares -- expand", () => {
  const expansions = files
    .map((file, index) => ({ ...file, index }))
    .filter(({ kind, index }) => kind === "expand" && index > 0);

  it.each(expansions)("takes nothing from the release before it: $name", async ({ name, index }) => {
    await migrate(owner, files.slice(0, index));
    const before = await readSchemaNeeds(owner);
    const missed = await missedBy(() => migrate(owner, files.slice(0, index + 1)), before);
    expect(missed).toEqual(Object.keys(UNUSED[name] ?? {}));
  });
});

describe("what counts as taken away", () => {
  it.each([
    "drop table approvals",
    "alter table tasks drop column description",
    "alter table tasks rename column description to notes",
    "alter table conversations rename to chats",
    "create schema old; alter table conversations set schema old",
    "alter table tasks alter column title type varchar(100)",
    "alter table tasks alter column due_at set not null",
    "alter table tasks alter column status drop default",
    "alter table tasks add column owner integer not null",
    "alter table tasks add column note text check (note is not null)",
    "alter table tasks add constraint tasks_x check (title <> 'x')",
    "alter table tasks add constraint tasks_x check (title <> 'x') not valid",
    "alter table conversations add unique (title)",
    "create unique index users_name_key on users (name)",
    "alter table messages drop constraint messages_user_id_conversation_id_id_key cascade",
    "alter table revoked_tokens add foreign key (token_id) references approvals",
    "drop index users_email_key",
    "drop function delete_account()",
    "revoke execute on function delete_account() from task_worker",
    "revoke select on tasks from task_worker",
    "revoke update (name) on users from task_worker",
    "drop owned by task_worker",
    "drop policy tasks_own on tasks",
    "alter policy tasks_own on tasks using (false)",
    "create policy tasks_few on tasks as restrictive using (title <> 'x')",
    "create table notes (id integer); alter table schema_migrations enable row level security",
    "truncate tasks",
    "delete from conversations",
    "update tasks set title = 'x'",
    "do $$ begin execute 'dele' || 'te from tasks'; end $$",
    "insert into token_usage select user_id, day, 9 from token_usage on conflict (user_id, day) do update set tokens = 9",
    `create function refuse() returns trigger language plpgsql as $$ begin raise 'no'; end $$;
     create trigger refuse before insert on tasks for each row execute function refuse()`,
  ])("%s", async (sql) => {
    expect(await missedByTrying(sql)).not.toEqual([]);
  });

  it.each([
    "create table notes (id integer primary key, text text not null); alter table notes enable row level security",
    "alter table tasks add column note text",
    "alter table tasks add column note text not null default ''",
    "alter table tasks add column lower_title text generated always as (lower(title)) stored not null",
    "alter table conversations add column note text; update conversations set note = lower(title)",
    "alter table tasks add column assignee_id integer references users",
    "alter table tasks add column note text check (note <> '')",
    "alter table tasks add column external_id text; create unique index on tasks (user_id, external_id)",
    "alter table conversations drop constraint conversations_title_length",
    "alter table users alter column name drop not null",
    "create index on tasks (title)",
    "drop index conversations_user_id_updated_at_idx",
    "create policy tasks_shared on tasks to task_worker using (false)",
    "create function clean() returns void language sql as $$ delete from tasks $$",
    "create or replace function delete_account() returns void language sql as $$ select $$",
    "grant delete on users to task_worker",
    "alter role task_worker set timezone = 'UTC'",
  ])("is not: %s", async (sql) => {
    expect(await missedByTrying(sql)).toEqual([]);
  });
});

describe("the first line of a migration", () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "tasks-migrations-"));
  });

  afterEach(() => rm(directory, { recursive: true }));

  async function kindsOf(migrations: Record<string, string>): Promise<string[]> {
    for (const [name, sql] of Object.entries(migrations)) {
      await writeFile(join(directory, `${name}.sql`), sql);
      await writeFile(join(directory, `${name}.down.sql`), "select 1;");
    }
    return (await readMigrationFiles(directory)).map(({ kind }) => kind);
  }

  it("declares its kind, and may say why", async () => {
    const kinds = await kindsOf({
      "0005_note": "-- expand\nalter table tasks add column note text;\n",
      "0006_no_title": "-- contract: nothing reads it since 1.4\r\nalter table tasks drop column title;\n",
    });
    expect(kinds).toEqual(["expand", "contract"]);
  });

  it.each(["", "select 1;", "\n-- expand\n", "-- expanded\n", "-- Contract\n", "/* expand */"])(
    "is asked for where it declares nothing: %j",
    async (sql) => {
      await expect(kindsOf({ "0005_note": sql })).rejects.toThrow(
        'the first line of 0005_note.sql must be "-- expand" or "-- contract"',
      );
    },
  );

  it("is not asked of those that databases have applied without one", async () => {
    // Their checksums stand in databases: a changed file could not be migrated past.
    const applied = files.slice(0, 4).map(({ name, checksum }) => `${name} ${checksum.slice(0, 12)}`);
    expect(applied).toEqual(APPLIED);
    expect(files.slice(0, 4).map(({ kind }) => kind)).toEqual(Array(4).fill("expand"));
  });
});
