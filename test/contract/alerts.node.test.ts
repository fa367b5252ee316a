import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { projectDirectory } from "../../local/environment.ts";
import { dashboardFile } from "../../ops/grafana/dashboard-file.ts";
import { dashboards } from "../../ops/grafana/dashboards.ts";
import { errorKinds } from "../../src/errors.ts";
import { metricCatalog } from "../../src/observability/metric-catalog.ts";
import { type Alertmanager, RUNBOOK_URL, startAlertmanager } from "../support/monitoring.ts";
import { missingPrograms, runProgram } from "../support/monitoring-programs.ts";
import { PATIENCE } from "../support/patience.ts";

const isMissing = missingPrograms().length > 0;

const read = (path: string) => readFile(join(projectDirectory, path), "utf8");
const rules = await read("ops/prometheus/alerts.yml");
const ruleTestFiles = ["ops/prometheus/alerts.test.yml", "ops/prometheus/alerts-of-days.test.yml"];
const ruleTests = (await Promise.all(ruleTestFiles.map(read))).join("\n");
const monitoring = await read("docs/monitoring.md");
const troubleshooting = await read("docs/troubleshooting.md");

const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = ""]) => name);

/** The part of a guide under a heading, down to the next one. */
function sectionOf(guide: string, heading: string): string {
  const [, section = ""] = guide.split(new RegExp(`^#{2,3} ${heading}$`, "m"));
  return section.split(/^#{2,3} /m, 1).join("");
}

/** The rows of a guide's tables by their first cell. */
function rowsOf(guide: string): Map<string, string[]> {
  const rows = guide.split("\n").filter((line) => line.startsWith("|"));
  return new Map(
    rows.map((row) => {
      const [first = "", ...cells] = row
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim());
      return [first, cells];
    }),
  );
}

describe.skipIf(isMissing)("Debian's own checks have nothing to say about", () => {
  const check = (program: Parameters<typeof runProgram>[0], ...args: string[]) =>
    runProgram(
      program,
      args.map((arg) => (arg.startsWith("ops/") ? join(projectDirectory, arg) : arg)),
    );

  it("the alert rules and their tests", async () => {
    expect(await check("promtool", "check", "rules", "ops/prometheus/alerts.yml")).toMatchObject({ code: 0 });
    const { code, output } = await check("promtool", "test", "rules", ...ruleTestFiles);
    expect(output).not.toContain("FAILED");
    expect(code).toBe(0);
  });

  it("Prometheus' configuration", async () => {
    const run = await check("promtool", "check", "config", "--syntax-only", "ops/prometheus/prometheus.yml");
    expect(run).toMatchObject({ code: 0 });
  });

  it("Alertmanager's configuration, and where it sends alerts to", async () => {
    const file = "ops/alertmanager/alertmanager.yml";
    expect(await check("amtool", "check-config", file)).toMatchObject({ code: 0 });
    const route = async (severity: string) => {
      const args = [
        "config",
        "routes",
        "test",
        `--config.file=${join(projectDirectory, file)}`,
        `severity=${severity}`,
      ];
      return (await runProgram("amtool", args)).output.split("\n", 1).join("");
    };
    expect(await route("critical")).toBe("pager,slack");
    expect(await route("warning")).toBe("slack");
  });
});

describe.skipIf(isMissing)("Alertmanager", () => {
  let directory: string;
  let alertmanager: Alertmanager;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "tasks-alertmanager-"));
    alertmanager = await startAlertmanager(directory);
  });

  afterEach(async () => {
    await alertmanager.close();
    await rm(directory, { recursive: true });
  });

  async function fire(names: readonly string[]): Promise<void> {
    const body = names.map((alertname) => ({
      labels: { alertname, severity: alertname.match(/Warning|Budget|Slow/) ? "warning" : "critical" },
      annotations: {
        summary: `${alertname} happened`,
        description: "It did.",
        runbook: `${RUNBOOK_URL}#${alertname.toLowerCase()}`,
      },
    }));
    const response = await fetch(`${alertmanager.url}/api/v2/alerts`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(200);
  }

  it.each([
    [
      "a database that is down",
      ["ErrorRate", "ToolErrors", "HealthFailing", "ErrorRateWarning", "ErrorBudget", "SlowQueries", "DatabaseDown"],
      "DatabaseDown",
    ],
    ["a server that is down", ["MetricsMissing", "HealthFailing"], "HealthFailing"],
    ["a release that fails everywhere", ["ToolErrors", "ErrorRate", "HealthFailing"], "HealthFailing"],
    ["requests that fail with their tools", ["ToolErrors", "ToolErrorsWarning", "ErrorRate"], "ErrorRate"],
  ])("pages once for %s, and then tells Slack", async (_, firing, told) => {
    await fire(firing);
    await expect.poll(() => alertmanager.told("slack").length, { timeout: PATIENCE }).toBeGreaterThan(0);
    // What else there were would have been told with it: each group waits as long.
    await new Promise((resolve) => setTimeout(resolve, 3_000));

    expect(alertmanager.order()).toEqual(["pagerduty", "slack"]);
    expect(alertmanager.told("pagerduty")).toMatchObject([
      {
        event_action: "trigger",
        payload: { summary: `${told} happened`, severity: "critical" },
        links: [{ href: `${RUNBOOK_URL}#${told.toLowerCase()}`, text: "Runbook" }],
      },
    ]);
    expect(JSON.stringify(alertmanager.told("slack"))).toContain(`FIRING ${told}`);
    expect(JSON.stringify(alertmanager.told("slack"))).toContain(`${RUNBOOK_URL}#${told.toLowerCase()}`);
  });

  it("pages for each of two causes", async () => {
    await fire(["DatabaseDown", "MetricsMissing"]);
    await expect.poll(() => alertmanager.told("pagerduty").length, { timeout: PATIENCE }).toBe(2);
  });
});

describe.each(alerts)("the alert %s", (alert) => {
  it("is tested where it fires and where it does not", () => {
    const tests = [...ruleTests.matchAll(new RegExp(`alertname: ${alert}\\b.*\\n? *(exp_alerts:.*)?`, "g"))].map(
      String,
    );
    expect(tests.some((text) => text.includes("exp_alerts: []"))).toBe(true);
    expect(tests.some((text) => !text.includes("exp_alerts: []"))).toBe(true);
  });

  it("says where its section is, which has a symptom, a query and a next step", () => {
    const rule = rules
      .slice(rules.indexOf(`alert: ${alert}\n`))
      .split("- alert:", 1)
      .join("");
    expect(rule).toContain(
      `runbook: "{{ with $externalLabels.runbook_url }}{{ . }}{{ else }}docs/troubleshooting.md{{ end }}#${alert.toLowerCase()}"`,
    );
    const section = sectionOf(troubleshooting, alert);
    for (const part of ["**Symptom.**", "**Query.**", "**Next.**"]) expect(section, alert).toContain(part);
  });
});

it("alerts and metrics of tools know each kind of error that no caller can mend", () => {
  const kinds = Object.entries(errorKinds).flatMap(([kind, { owner }]) => (owner === "caller" ? [] : [kind]));
  const counted = [...rules.matchAll(/tool_executions_total\{status=~"([a-z|]+)"\}/g)].map(([, statuses]) => statuses);
  expect(counted).toHaveLength(2);
  for (const statuses of counted) expect(statuses?.split("|").sort()).toEqual(kinds.sort());
  expect([...metricCatalog.tool_executions_total.fromZero].sort()).toEqual(kinds.sort());
});

describe("docs/troubleshooting.md", () => {
  it.each(["Health check failing", "High error rate", "Slow response times"])("has the runbook's issue %s", (issue) => {
    const section = sectionOf(troubleshooting, issue);
    for (const part of ["**Symptom.**", "**Query.**", "**Next.**"]) expect(section).toContain(part);
  });
});

describe("docs/monitoring.md", () => {
  it.each(Object.entries(metricCatalog))("tells of %s what it is and how it is labelled", (name, { labels, type }) => {
    const expected = [...labels, ...(type === "gauge" ? [] : ["version"])].map((label) => `\`${label}\``).join(", ");
    expect(rowsOf(monitoring).get(`\`${name}\``)).toEqual([type, expected, expect.stringMatching(/./)]);
  });

  it("has no metric that does not exist", () => {
    const types = ["counter", "gauge", "histogram"];
    const names = [...rowsOf(monitoring)].flatMap(([name, [type = ""]]) => (types.includes(type) ? [name] : []));
    const known = [...Object.keys(metricCatalog), "database_up"].map((name) => `\`${name}\``);
    expect(names.sort()).toEqual(known.sort());
  });
});

describe("every metric that is asked for exists:", () => {
  const known = new Set(
    Object.entries(metricCatalog).flatMap(([name, { type }]) =>
      type === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  );
  const named = (text: string) =>
    [...text.matchAll(/\b[a-z]+(?:_[a-z]+)*_(?:total|seconds_bucket|seconds_sum|seconds_count|open)\b/g)].map(String);

  it("in the alerts", () => {
    for (const name of named(rules)) expect(known).toContain(name);
  });

  it("in the dashboards", async () => {
    for (const dashboard of dashboards)
      for (const name of named(dashboardFile(dashboard).text)) expect(known).toContain(name);
  });
});

describe.skipIf(isMissing)("a panel's number is what its title says:", () => {
  const requests = (status: number) =>
    `http_requests_total{route="/mcp", method="POST", status="${status}", version="a"}`;

  const calls = (status: string) => `tool_executions_total{tool="list_tasks", status="${status}", version="a"}`;

  // 20 requests, or calls, a second.
  it.each([
    ["application", "Requests", 20, { [requests(200)]: "0+294x40", [requests(503)]: "0+6x40" }],
    ["application", "Error rate", 0.02, { [requests(200)]: "0+294x40", [requests(503)]: "0+6x40" }],
    ["application", "Error rate", 0, { [requests(200)]: "0+300x40" }],
    [
      "tools",
      "Error rate",
      0.02,
      { [calls("success")]: "0+284x40", [calls("conflict")]: "0+10x40", [calls("unavailable")]: "0+6x40" },
    ],
    ["tools", "Error rate", 0, { [calls("success")]: "0+300x40" }],
  ])("%s: %s is %d", async (name, title, expected, series) => {
    const panels = Object.values(dashboards.find((dashboard) => dashboard.name === name)?.rows ?? {}).flat();
    const [[query = ""] = []] = panels.find((panel) => panel.title === title)?.queries ?? [];
    const expression = query.replaceAll("$__rate_interval", "1m").replaceAll("$version", ".*");
    const test = {
      interval: "15s",
      input_series: Object.entries(series).map(([labels, values]) => ({ series: labels, values })),
      promql_expr_test: [
        {
          expr: `abs(${expression} - ${expected}) < bool 1e-9`,
          eval_time: "5m",
          exp_samples: [{ labels: "{}", value: 1 }],
        },
      ],
    };
    const directory = await mkdtemp(join(tmpdir(), "tasks-panels-"));
    const file = join(directory, "panel.json");
    await writeFile(file, JSON.stringify({ evaluation_interval: "15s", tests: [test] }));
    const { code, output } = await runProgram("promtool", ["test", "rules", file]);
    await rm(directory, { recursive: true });
    expect(code, output).toBe(0);
  });
});

it("the dashboards are checked in as `npm run dashboards` writes them", async () => {
  const files = dashboards.map(dashboardFile);
  for (const { name, text } of files) expect(await read(`ops/grafana/${name}`), name).toBe(text);
  const checkedIn = (await readdir(join(projectDirectory, "ops/grafana"))).filter((name) => name.endsWith(".json"));
  expect(checkedIn.sort()).toEqual(files.map(({ name }) => name).sort());
});
