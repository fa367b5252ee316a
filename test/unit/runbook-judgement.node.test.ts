import { describe, expect, it } from "vitest";
import type { MigrationKind } from "../../ops/database/migration-files.ts";
import { refuseContractions } from "../../ops/runbook/release/database-steps.ts";
import { missedCriteria, rollbackTrigger } from "../../ops/runbook/watch/criteria.ts";
import { readMetricsText } from "../../ops/runbook/watch/metrics-text.ts";
import { Readings } from "../../ops/runbook/watch/readings.ts";
import { figuresBetween, totalsOf } from "../../ops/runbook/watch/version-figures.ts";

const migration = (name: string, kind: MigrationKind) => ({ name, kind, up: "", down: "", checksum: "" });

describe("a migration in a release", () => {
  const expansion = migration("0009_note", "expand");
  const contraction = migration("0010_no_title", "contract");

  it("goes with the release where it only expands", () => {
    expect(refuseContractions({ files: [], isFirst: false })).toBe("nothing is pending");
    expect(refuseContractions({ files: [expansion], isFirst: false })).toBe("0009_note: only expansions");
  });

  it("is refused where it declares more, and what to do is said", () => {
    expect(() => refuseContractions({ files: [expansion, contraction], isFirst: false })).toThrow(
      /^pending, and declared "-- contract": 0010_no_title\. .*apply it by npm run db:migrate, apart from any release$/,
    );
  });

  it("goes whatever it is where the database is empty", () => {
    const pending = { files: [expansion, contraction], isFirst: true };
    expect(refuseContractions(pending)).toBe("0009_note, 0010_no_title: the database is empty");
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
    const slow = [
      "/chat",
      "/api/chat",
      "/api/chat/:id/stream",
      "/api/auth/signin",
      "/api/tasks/events",
      "/account/reset-password",
      "/api/export",
    ];
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
  ])("roll %j back: %s", (version, trigger) => {
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
