import { describe, expect, it } from "vitest";
import { readMigrationFiles } from "../../ops/database/migration-files.ts";
import { refuseDestructive } from "../../ops/runbook/release/database-steps.ts";
import { findDestructiveStatements } from "../../ops/runbook/release/migration-safety.ts";
import { missedCriteria, rollbackTrigger } from "../../ops/runbook/watch/criteria.ts";
import { readMetricsText } from "../../ops/runbook/watch/metrics-text.ts";
import { Readings } from "../../ops/runbook/watch/readings.ts";
import { figuresBetween, totalsOf } from "../../ops/runbook/watch/version-figures.ts";

const migration = (up: string) => ({ name: "0009_change", up, down: "", checksum: "" });

describe("a migration in a release", () => {
  it.each([
    "drop table tasks",
    "alter table tasks drop column title",
    "alter table tasks drop title",
    "ALTER TABLE tasks RENAME COLUMN title TO name",
    "alter table tasks rename to items",
    "alter table tasks alter column title type varchar(10)",
    "alter table tasks alter title set data type varchar(10)",
    "alter table tasks alter column due_at set not null",
    "alter table tasks add column owner integer not null",
    "alter table tasks add constraint tasks_x check (title <> 'x')",
    "drop function set_caller(integer)",
    "truncate tasks",
    "delete from tasks",
    "revoke select on tasks from task_worker",
    "create index a on tasks (title); drop view recent_tasks;",
    "do $$ begin alter table tasks drop column title; end $$",
    "do $body$ declare n integer; begin if true then drop table tasks; end if; end $body$",
    "do $$ begin execute 'drop table tasks'; end $$",
    "do 'begin drop table tasks; end'",
    "alter table tasks add priority2 integer not null",
    "alter table tasks add note text, add priority2 integer not null",
    "alter table tasks add column if not exists note text check (title <> 'x')",
    "alter table tasks add constraint tasks_x check (title <> 'x') not valid",
    "alter table tasks add check (title <> 'x')",
    "alter table tasks add unique (title)",
    "alter table tasks add foreign key (user_id) references users",
    "create unique index tasks_title_key on tasks (title)",
    "create trigger refuse before insert on tasks for each row execute function refuse()",
    "create policy tasks_few on tasks as restrictive using (id < 10)",
    "alter table messages enable row level security",
    "drop policy tasks_own on tasks",
    "alter policy tasks_own on tasks using (false)",
    "drop owned by task_worker",
    "drop index tasks_user_id_status_idx",
    "alter table tasks drop constraint messages_user_id_conversation_id_id_key",
    "alter table tasks set schema old",
    "alter table tasks alter column status drop default",
    "alter role task_worker nologin",
    "revoke all on tasks from public, task_worker",
    "revoke execute on function set_caller(integer) from public",
    "update tasks set title = 'x'",
    "with gone as (delete from tasks returning id) insert into log select id from gone",
    "insert into log with gone as (delete from tasks returning id) select id from gone",
    "insert into users (id, name) values (1, 'x') on conflict (id) do update set name = 'x'",
    "select remove_everything()",
    "insert into a values ('-- '); drop table tasks; insert into a values ('--')",
    "/* $$ */ drop table tasks; -- $$",
  ])("is refused: %s", (up) => {
    expect(findDestructiveStatements([migration(up)])).toHaveLength(1);
    expect(() => refuseDestructive([migration(up)])).toThrow(
      /^0009_change .*apply this by npm run db:migrate, apart from any release$/,
    );
  });

  it.each([
    "create table a (id integer not null); alter table a add constraint a_id check (id > 0); create index a_id on a (id)",
    "alter table tasks add column note text",
    "alter table tasks add column note text not null default ''",
    "alter table tasks add note text, add if not exists size numeric(3, 1) not null default 0",
    "alter table tasks add column lower_title text generated always as (lower(title)) stored not null",
    "alter table tasks add column note text; update tasks set note = lower(title) where note is null",
    "alter table tasks drop constraint tasks_x, alter column due_at drop not null",
    "alter table public.tasks validate constraint tasks_x",
    "-- drop table tasks\ncreate index b on tasks (title)",
    "create function clean() returns void language sql as $$ delete from tasks $$; revoke execute on function clean() from public",
    "insert into settings values ('drop table tasks')",
    "insert into settings values (E'it\\'s; drop table tasks')",
    "create table a (id integer); create unique index a_id on a (id); alter table a enable row level security; create policy a_own on a as restrictive using (true)",
    "create or replace function set_caller(id integer) returns void language sql as $$ delete from tasks $$; revoke execute on function set_caller(integer) from public; grant execute on function set_caller(integer) to task_worker",
    "alter role task_worker set timezone = 'UTC'; alter role task_worker set statement_timeout to '5s'",
    "do $$ begin create role reader nologin; exception when duplicate_object or unique_violation then null; end $$",
    "do $$ begin if not exists (select from pg_roles) then alter role task_worker set timezone to 'UTC'; else raise notice 'it is'; end if; end $$",
    "alter type mood add value 'glad'; comment on table tasks is 'what is to be done'; set lock_timeout = '2s'",
  ])("goes: %s", (up) => {
    expect(findDestructiveStatements([migration(up)])).toEqual([]);
  });

  it("goes with every migration of this project", async () => {
    expect(findDestructiveStatements(await readMigrationFiles())).toEqual([]);
  });
});

describe("a version's figures", () => {
  const NOTHING = totalsOf([], "new");
  const metrics = (requests: string[]) => readMetricsText(requests.join("\n")) ?? [];
  const count = (version: string, route: string, status: number, value: number) =>
    `http_requests_total{route="${route}",method="POST",status="${status}",version="${version}"} ${value}`;
  const bucket = (route: string, le: string, value: number, method = "POST") =>
    `http_request_duration_seconds_bucket{route="${route}",method="${method}",version="new",le="${le}"} ${value}`;

  it("are its own alone, and say nothing of what monitors ask", () => {
    const samples = metrics([
      "# HELP http_requests_total Requests answered.",
      count("new", "/mcp/tools/:name", 200, 190),
      count("new", "/mcp/tools/:name", 500, 10),
      count("new", "/health", 503, 500),
      count("old", "/mcp/tools/:name", 500, 10_000),
    ]);
    expect(figuresBetween(NOTHING, totalsOf(samples, "new"))).toMatchObject({
      requests: 200,
      errors: 10,
      errorRate: 0.05,
    });
  });

  it("count tool calls that failed behind a status of 200, and those by plain HTTP once", () => {
    const tool = (name: string, status: string, value: number, version = "new") =>
      `tool_executions_total{tool="${name}",status="${status}",version="${version}"} ${value}`;
    const samples = metrics([
      count("new", "/mcp", 200, 100),
      count("new", "/mcp", 503, 1),
      count("new", "/mcp/tools/:name", 200, 96),
      count("new", "/mcp/tools/:name", 500, 3),
      ...[tool("list_tasks", "success", 180), tool("get_task", "not_found", 40), tool("get_task", "invalid_input", 40)],
      ...[tool("list_tasks", "internal", 4), tool("get_task", "unavailable", 2), tool("get_task", "misconfigured", 1)],
      tool("list_tasks", "internal", 1000, "old"),
    ]);
    // Seven of them, three by plain HTTP; and one request that failed before its tool.
    expect(figuresBetween(NOTHING, totalsOf(samples, "new"))).toMatchObject({
      requests: 200,
      errors: 8,
      errorRate: 0.04,
    });
  });

  it("of the last minutes are seen apart, of 100 requests at least", () => {
    const totals = (requests: number, errors: number) => ({ ...NOTHING, requests, errors });
    const readings = new Readings({ at: 0, totals: totals(0, 0) }, 5);
    readings.add({ at: 10, totals: totals(5000, 0) });
    readings.add({ at: 15, totals: totals(5060, 3) });
    readings.add({ at: 20, totals: totals(5130, 10) });
    expect(readings.whole).toMatchObject({ requests: 5130, errors: 10 });
    expect(readings.recent).toMatchObject({ requests: 130, errors: 10 });
    expect(rollbackTrigger(readings.whole, readings.recent)).toBe(
      "lately error rate 7.69 % > 5.00 % (10 of 130 requests)",
    );
    readings.add({ at: 25, totals: totals(6000, 10) });
    expect(readings.recent).toMatchObject({ requests: 870, errors: 0 });
  });

  it("take p95 as Prometheus does, without chat, streams and sign-in", () => {
    const slow = ["/chat", "/api/chat", "/api/chat/:id/stream", "/api/auth/signin", "/api/tasks/events"];
    const samples = metrics([
      ...[
        bucket("/mcp/tools/:name", "0.1", 90),
        bucket("/mcp/tools/:name", "0.5", 100),
        bucket("/mcp/tools/:name", "+Inf", 100),
      ],
      ...slow.flatMap((route) => [bucket(route, "0.1", 0), bucket(route, "0.5", 0), bucket(route, "+Inf", 1000)]),
      ...[bucket("/mcp", "0.1", 0, "GET"), bucket("/mcp", "0.5", 0, "GET"), bucket("/mcp", "+Inf", 1000, "GET")],
    ]);
    // 90 of 100 below 0.1 s, the other ten between that and 0.5 s: half-way for the 95th.
    expect(figuresBetween(NOTHING, totalsOf(samples, "new")).p95).toBeCloseTo(300);
  });

  it("count from when the watch began", () => {
    const before = totalsOf(metrics([count("new", "/mcp", 500, 50)]), "new");
    const after = totalsOf(metrics([count("new", "/mcp", 500, 50), count("new", "/mcp", 200, 100)]), "new");
    expect(figuresBetween(before, after)).toMatchObject({ requests: 100, errors: 0 });
  });

  it.each(["<html>not metrics</html>", 'broken{version="a" 1', "name not-a-number"])("are not made of %s", (text) => {
    expect(readMetricsText(text)).toBeUndefined();
  });
});

describe("the runbook's numbers", () => {
  const figures = (requests: number, errors: number, p95 = 100) => ({
    requests,
    errors,
    errorRate: errors / requests,
    p95,
  });

  it.each([
    [figures(1000, 50), undefined],
    [figures(1000, 51), "error rate 5.10 % > 5.00 % (51 of 1000 requests)"],
    [figures(99, 99), undefined],
    [figures(100, 100), "error rate 100.00 % > 5.00 % (100 of 100 requests)"],
  ])("take %j back: %s", (version, trigger) => {
    expect(rollbackTrigger(version, figures(0, 0))).toBe(trigger);
    expect(rollbackTrigger(figures(1000, 0), version)).toBe(trigger && `lately ${trigger}`);
  });

  it.each([
    [figures(10_000, 9), []],
    [figures(10_000, 10), ["error rate 0.10 %, not < 0.10 % (10 of 10000)"]],
    [figures(1000, 0, 499), []],
    [figures(1000, 0, 500), ["p95 500 ms, not < 500 ms"]],
    [figures(99, 0), ["only 99 requests were counted, 100 are needed to judge"]],
  ])("call %j a success unless %j", (version, missed) => {
    expect(missedCriteria(version)).toEqual(missed);
  });
});
