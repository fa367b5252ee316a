import { describe, expect, it } from "vitest";
import { readMigrationFiles } from "../../ops/database/migration-files.ts";
import { refuseDestructive } from "../../ops/runbook/release/database-steps.ts";
import { findDestructiveStatements } from "../../ops/runbook/release/migration-safety.ts";
import { missedCriteria, rollbackTrigger } from "../../ops/runbook/watch/criteria.ts";
import { readMetricsText } from "../../ops/runbook/watch/metrics-text.ts";
import { figuresBetween, NOTHING, totalsOf } from "../../ops/runbook/watch/version-figures.ts";

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
    "alter table tasks add constraint tasks_x check (title <> 'x') not valid",
    "alter table tasks drop constraint tasks_x",
    "-- drop table tasks\ncreate index b on tasks (title)",
    "create function clean() returns void language sql as $$ delete from tasks $$; revoke execute on function clean() from public",
    "insert into settings values ('drop table tasks')",
  ])("goes: %s", (up) => {
    expect(findDestructiveStatements([migration(up)])).toEqual([]);
  });

  it("goes with every migration of this project", async () => {
    expect(findDestructiveStatements(await readMigrationFiles())).toEqual([]);
  });
});

describe("a version's figures", () => {
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
    expect(rollbackTrigger(version)).toBe(trigger);
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
