import { env } from "cloudflare:workers";
import { neon } from "@neondatabase/serverless";
import { describe, expect, inject, it } from "vitest";
import { z } from "zod";
import { readConfiguration } from "../../../src/config.ts";
import { growthOf, othersCounted } from "../../support/counting.ts";
import { ownerQuery } from "../../support/owner.ts";
import { Person } from "../../support/person.ts";
import { letDaysPass, runSchedule } from "../../support/schedule.ts";
import { sentryDsn } from "../../support/sentry-sink.ts";

const sql = neon(readConfiguration(env).DATABASE_URL);

async function rowsIn(table: string, person: Person): Promise<number> {
  const [row] = await ownerQuery(`select count(*)::integer as rows from ${table} where user_id = $1`, [person.id]);
  return Number(row?.rows);
}

/** Lets everything fail that calls a function of the schedule, while some work is done. */
async function without(called: string, work: () => Promise<void>): Promise<void> {
  const [name, parameters] = [called.replace(/\(.*/, ""), called.replace(/^\w+/, "")];
  await ownerQuery(`alter function ${called} rename to ${name}_elsewhere`);
  try {
    await work();
  } finally {
    await ownerQuery(`alter function ${name}_elsewhere${parameters} rename to ${name}`);
  }
}

describe("the schedule", () => {
  it("removes what has expired, and nothing that still counts", async () => {
    const person = await Person.signUp();
    const expiring: Readonly<Record<string, string>> = {
      idempotency_keys: `insert into idempotency_keys (user_id, key, tool, created_at)
        select $1, kind || age, 'create_task', now() - age
        from unnest(array['server:', 'caller:']) as kind,
          unnest(array['9 minutes', '11 minutes', '23 hours', '25 hours']::interval[]) as age`,
      account_links: `insert into account_links (hash, user_id, kind, expires_at)
        select md5($1 || '-' || age) || md5(''), $1::integer, 'reset_password', now() - age
        from unnest(array['59 minutes', '61 minutes']::interval[]) as age`,
      revoked_tokens: `insert into revoked_tokens (token_id, user_id, expires_at)
        select gen_random_uuid(), $1, now() + age from unnest(array['1 minute', '-1 minute']::interval[]) as age`,
      personal_tokens: `insert into personal_tokens (user_id, id, name, expires_at)
        select $1, gen_random_uuid(), 'Agent', now() - age
        from unnest(array[null, '-1 day', '29 days', '31 days']::interval[]) as age`,
      oauth_grants: `insert into oauth_grants (user_id, id, client_id, client_name, scopes, expires_at)
        select $1, 'grant' || coalesce(age, '0'), 'client', 'Client', '{}', now() - age
        from unnest(array[null, '-1 day', '1 minute']::interval[]) as age`,
      oauth_refresh_tokens: `insert into oauth_refresh_tokens (user_id, grant_id, hash, wrapped_key, superseded_at)
        select user_id, id, coalesce(age, '0')::text, 'key', now() - age
        from oauth_grants, unnest(array[null, '9 minutes', '11 minutes']::interval[]) as age where user_id = $1`,
    };
    for (const insert of Object.values(expiring)) await ownerQuery(insert, [person.id]);
    await ownerQuery("insert into single_uses values ($1, 'gone', now()), ($2, 'stays', now() + interval '1 hour')", [
      `gone ${person.id}`,
      `stays ${person.id}`,
    ]);
    await ownerQuery(
      "insert into daily_counts values (utc_today() - 2, 'mails', $1, 1), (utc_today() - 1, 'mails', $1, 1)",
      [String(person.id)],
    );
    await runSchedule();

    const left = Object.keys(expiring).map(async (table) => [table, await rowsIn(table, person)]);
    expect(Object.fromEntries(await Promise.all(left))).toEqual({
      // The server's own for ten minutes, a caller's for a day.
      idempotency_keys: 4,
      account_links: 1,
      revoked_tokens: 1,
      personal_tokens: 3,
      oauth_grants: 2,
      oauth_refresh_tokens: 4,
    });
    expect(await ownerQuery("select value from single_uses where name like $1", [`% ${person.id}`])).toEqual([
      { value: "stays" },
    ]);
    expect(await ownerQuery("select 1 from daily_counts where subject = $1", [String(person.id)])).toHaveLength(1);
  });

  it("is counted, and so is what it has done", async () => {
    // What is left of other tests.
    await runSchedule();
    await othersCounted();
    const person = await Person.signUp();
    for (const title of ["A", "B"]) await person.run("create_task", { title });
    await person.run("delete_task", { task_id: 1 });
    await letDaysPass(person.id, 400);
    await growthOf(
      () => runSchedule(),
      [
        ["purge_runs_total", { status: "success" }],
        ["purged_rows_total", { rows: "deleted_tasks" }],
        ["purged_rows_total", { rows: "changes" }],
      ],
      [1, 1, 3],
    );
  });

  it("reports a chore that fails, counts the run as failed, and does the others", async () => {
    await othersCounted();
    const project = crypto.getRandomValues(new Uint32Array(1))[0] ?? 1;
    const person = await Person.signUp();
    await person.run("create_task", { title: "A" });
    await person.run("delete_task", { task_id: 1 });
    await letDaysPass(person.id, 400);
    await growthOf(
      () =>
        without("purge_deleted_tasks(integer, timestamptz)", async () => {
          const run = runSchedule({ SENTRY_DSN: sentryDsn(inject("sentrySinkUrl"), project) });
          await expect(run).rejects.toMatchObject({ kind: "internal" });
        }),
      [
        ["purge_runs_total", { status: "internal" }],
        ["purged_rows_total", { rows: "changes" }],
      ],
      [1, 2],
    );

    const sent = await fetch(`${inject("sentrySinkUrl")}/${project}`);
    const envelopes = z.array(z.string()).parse(await sent.json());
    expect(envelopes).toHaveLength(1);
    const [, , event = ""] = envelopes[0]?.split("\n") ?? [];
    expect(JSON.parse(event)).toMatchObject({
      environment: "development",
      tags: { trigger: "schedule", chore: "deleted_tasks" },
      exception: { values: expect.arrayContaining([expect.objectContaining({ value: "SQLSTATE 42883" })]) },
    });
  });

  it("tells no database that is away to Sentry: its alert does that", async () => {
    const project = crypto.getRandomValues(new Uint32Array(1))[0] ?? 1;
    const run = runSchedule({
      DATABASE_URL: "postgresql://nobody:x@elsewhere.invalid/tasks",
      SENTRY_DSN: sentryDsn(inject("sentrySinkUrl"), project),
    });
    await expect(run).rejects.toMatchObject({ kind: "unavailable" });
    const sent = await fetch(`${inject("sentrySinkUrl")}/${project}`);
    expect(await sent.json()).toEqual([]);
  });

  it("is no part of a call, and takes no more at once than a thousand rows", async () => {
    const person = await Person.signUp();
    const later = new Date(Date.now() + 60_000).toISOString();
    const asPerson = sql.transaction([
      sql`select set_config('app.user_id', ${String(person.id)}, true)`,
      sql`select purge_expired(1, ${later})`,
    ]);
    await expect(asPerson).rejects.toMatchObject({ code: "42501" });

    await ownerQuery(
      `insert into idempotency_keys (user_id, key, tool, created_at)
       select $1, 'caller:' || n, 'create_task', now() - interval '2 days' from generate_series(1, 1001) as n`,
      [person.id],
    );
    await sql`select purge_expired(1000000, ${later})`;
    expect(await rowsIn("idempotency_keys", person)).toBe(1);
    await expect(sql`select purge_expired(1, now() - interval '1 second')`).rejects.toMatchObject({ code: "TS001" });
  });
});
