import { describe, expect, it } from "vitest";
import { toMetricsText } from "../../src/observability/metrics-text.ts";

describe("a failure on our side", () => {
  const requests = (method: string, status: string, version: string) =>
    `http_requests_total{route="/mcp",method="${method}",status="${status}",version="${version}"}`;
  const calls = (status: string, version: string) =>
    `tool_executions_total{tool="list_tasks",status="${status}",version="${version}"}`;

  it("is seen from the first on: its series are there before, for each version", () => {
    const totals = new Map([
      [requests("POST", "200", "old"), [7]],
      [requests("POST", "503", "old"), [2]],
      [requests("GET", "404", "new"), [1]],
      [calls("success", "old"), [5]],
      [calls("internal", "new"), [1]],
    ]);
    const lines = toMetricsText(totals, true).split("\n");

    const failed = lines.filter((line) => /^http_requests_total.*status="5/.test(line));
    expect(failed.sort()).toEqual(
      ["GET", "POST"]
        .flatMap((method) =>
          ["500", "503"].flatMap((status) => ["old", "new"].map((version) => requests(method, status, version))),
        )
        .map((series) => `${series} ${totals.get(series)?.[0] ?? 0}`)
        .sort(),
    );
    const kinds = ["internal", "misconfigured", "unavailable"];
    const failedCalls = lines.filter((line) => /^tool_executions_total.*status="(?!success)/.test(line));
    expect(failedCalls.sort()).toEqual(
      kinds
        .flatMap((kind) => ["old", "new"].map((version) => calls(kind, version)))
        .map((series) => `${series} ${totals.get(series)?.[0] ?? 0}`)
        .sort(),
    );
  });

  it("has no series where nothing was counted", () => {
    expect(toMetricsText(new Map(), true)).not.toMatch(/http_requests_total|tool_executions_total/);
  });
});
