import { failureKinds } from "../../src/errors.ts";
import type { DashboardDeclaration, PanelQuery } from "./panels.ts";

/** Requests that people and agents wait for: the alerts of ops/prometheus/alerts.yml leave out the same routes. */
const PEOPLE = 'route!~"/metrics|/health", version=~"$version"';
const QUICK =
  'route!~"/metrics|/health|/chat|/api/chat.*|/api/tasks/events|/api/auth/.*|/oauth/.*|/authorize|/account/.*|/api/export", version=~"$version"';
const VERSION = 'version=~"$version"';

const rate = (metric: string, labels = VERSION) => `rate(${metric}{${labels}}[$__rate_interval])`;

/** The median, the 95th and the 99th percentile of a histogram. */
function percentiles(histogram: string, labels = VERSION): PanelQuery[] {
  return [50, 95, 99].map((percent) => [
    `histogram_quantile(${percent / 100}, sum by (le) (${rate(`${histogram}_bucket`, labels)}))`,
    `p${percent}`,
  ]);
}

/** 0 where nothing of the kind was ever counted, so that a panel says 0 and not "no data". */
const orZero = (expression: string) => `((${expression}) or on() vector(0))`;

const failed = `sum(${rate("http_requests_total", `${PEOPLE}, status=~"5.."`)})`;
const all = `sum(${rate("http_requests_total", PEOPLE)})`;

const application: DashboardDeclaration = {
  name: "application",
  title: "Application",
  rows: {
    Now: [
      { title: "Requests", unit: "reqps", now: true, queries: [[all, "requests"]] },
      {
        title: "Error rate",
        description: "Above 1 % warns, above 5 % pages; a deployment needs 0.1 %.",
        unit: "percentunit",
        now: true,
        queries: [[`${orZero(failed)} / ${all}`, "failed"]],
      },
      {
        title: "p95",
        description: "Without chat, streams and sign-in. Above 1 s warns; a deployment needs 0.5 s.",
        unit: "s",
        now: true,
        queries: percentiles("http_request_duration_seconds", QUICK).slice(1, 2),
      },
      { title: "Database answers", unit: "bool_yes_no", now: true, queries: [["min(database_up)", "database"]] },
      { title: "MCP sessions open", unit: "short", now: true, queries: [["sum(mcp_sessions_open)", "sessions"]] },
    ],
    Requests: [
      {
        title: "Requests by route",
        unit: "reqps",
        queries: [[`sum by (method, route) (${rate("http_requests_total")})`, "{{method}} {{route}}"]],
      },
      {
        title: "Requests by status",
        unit: "reqps",
        queries: [[`sum by (status) (${rate("http_requests_total")})`, "{{status}}"]],
      },
      {
        title: "Requests by version",
        unit: "reqps",
        queries: [[`sum by (version) (${rate("http_requests_total")})`, "{{version}}"]],
      },
      { title: "Response time", unit: "s", queries: percentiles("http_request_duration_seconds", QUICK) },
      {
        title: "p95 by route",
        unit: "s",
        queries: [
          [
            `histogram_quantile(0.95, sum by (le, route) (${rate("http_request_duration_seconds_bucket")}))`,
            "{{route}}",
          ],
        ],
      },
      {
        title: "p95 by version",
        unit: "s",
        queries: [
          [
            `histogram_quantile(0.95, sum by (le, version) (${rate("http_request_duration_seconds_bucket", QUICK)}))`,
            "{{version}}",
          ],
        ],
      },
    ],
    Refused: [
      {
        title: "Rate-limited requests by route",
        unit: "reqps",
        queries: [[orZero(`sum by (route) (${rate("rate_limited_requests_total")})`), "{{route}}"]],
      },
      {
        title: "Ceilings reached",
        unit: "ops",
        queries: [[orZero(`sum by (limit) (${rate("limits_reached_total")})`), "{{limit}}"]],
      },
      {
        title: "Failed and refused sign-ins",
        unit: "ops",
        queries: [
          [`sum(${rate("sign_in_failures_total")})`, "failed"],
          [`sum(${rate("password_hashes_refused_total")})`, "503: too many at once"],
        ],
      },
      {
        title: "Mails",
        unit: "ops",
        queries: [[orZero(`sum by (status) (${rate("mails_total")})`), "{{status}}"]],
      },
    ],
  },
};

const failedCalls = `sum(${rate("tool_executions_total", `${VERSION}, status=~"${failureKinds.join("|")}"`)})`;
const allCalls = `sum(${rate("tool_executions_total")})`;

const tools: DashboardDeclaration = {
  name: "tools",
  title: "Tools",
  rows: {
    Now: [
      { title: "Calls", unit: "ops", now: true, queries: [[allCalls, "calls"]] },
      {
        title: "Error rate",
        description:
          "Calls that failed on our side, whatever interface they came by. Above 1 % warns, above 5 % pages.",
        unit: "percentunit",
        now: true,
        queries: [[`${orZero(failedCalls)} / ${allCalls}`, "failed"]],
      },
    ],
    Calls: [
      {
        title: "Calls by tool",
        unit: "ops",
        queries: [[`sum by (tool) (${rate("tool_executions_total")})`, "{{tool}}"]],
      },
      {
        title: "Calls by how they ended",
        unit: "ops",
        queries: [[`sum by (status) (${rate("tool_executions_total")})`, "{{status}}"]],
      },
      {
        title: "Calls that failed, by tool",
        unit: "ops",
        queries: [
          [
            orZero(`sum by (tool, status) (${rate("tool_executions_total", `${VERSION}, status!="success"`)})`),
            "{{tool}} {{status}}",
          ],
        ],
      },
      { title: "Duration", unit: "s", queries: percentiles("tool_execution_duration_seconds") },
      {
        title: "p95 by tool",
        unit: "s",
        queries: [
          [
            `histogram_quantile(0.95, sum by (le, tool) (${rate("tool_execution_duration_seconds_bucket")}))`,
            "{{tool}}",
          ],
        ],
      },
    ],
    Tasks: [
      {
        title: "Tasks created and completed",
        unit: "ops",
        queries: [
          [`sum(${rate("tasks_created_total")})`, "created"],
          [`sum(${rate("tasks_completed_total")})`, "completed"],
        ],
      },
    ],
  },
};

const database: DashboardDeclaration = {
  name: "database",
  title: "Database",
  rows: {
    Now: [
      { title: "Answers", unit: "bool_yes_no", now: true, queries: [["min(database_up)", "database"]] },
      {
        title: "p95",
        unit: "s",
        now: true,
        queries: percentiles("database_query_duration_seconds").slice(1, 2),
      },
    ],
    Requests: [
      {
        title: "Requests to the database",
        description: "One statement, or one batch that is one transaction.",
        unit: "ops",
        queries: [[`sum(${rate("database_query_duration_seconds_count")})`, "requests"]],
      },
      { title: "Duration", unit: "s", queries: percentiles("database_query_duration_seconds") },
      {
        title: "Slow, of all",
        description: "Above 5 % warns. The log's slow_query lines say which.",
        unit: "percentunit",
        queries: [
          [
            `sum(${rate("slow_queries_total")}) / sum(${rate("database_query_duration_seconds_count")})`,
            "SLOW_QUERY_MS or longer",
          ],
        ],
      },
      {
        title: "Errors",
        unit: "ops",
        queries: [[orZero(`sum by (status) (${rate("database_errors_total")})`), "{{status}}"]],
      },
    ],
  },
};

const chat: DashboardDeclaration = {
  name: "chat",
  title: "Chat",
  rows: {
    Turns: [
      {
        title: "Turns by how they ended",
        unit: "ops",
        queries: [[`sum by (status) (${rate("agent_turns_total")})`, "{{status}}"]],
      },
      {
        title: "Turns that timed out",
        unit: "ops",
        queries: [[`sum(${rate("agent_timeouts_total")})`, "timed out"]],
      },
      {
        title: "Tokens",
        description: "In and out, per second.",
        unit: "short",
        queries: [[`sum(${rate("agent_tokens_total")})`, "tokens"]],
      },
    ],
    Time: [
      { title: "Duration of a turn", unit: "s", queries: percentiles("agent_turn_duration_seconds") },
      { title: "Of it, waiting for the model", unit: "s", queries: percentiles("agent_model_duration_seconds") },
    ],
  },
};

/** Every dashboard there is. */
export const dashboards: readonly DashboardDeclaration[] = [application, tools, database, chat];
