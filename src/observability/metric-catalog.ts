import { type ErrorKind, errorKinds, failureKinds } from "../errors.ts";
import type { LimitName } from "../limits.ts";

/** The labels a metric may carry, and what each may say. All are bounded: nothing a client sends becomes a label. */
interface Labels {
  /** The pattern of a route, as app.ts has it. */
  readonly route: string;
  readonly method: HttpMethod;
  /** An HTTP status, or how something ended. */
  readonly status: `${number}` | ErrorKind | "success" | TurnOutcome;
  /** A tool of the catalog. */
  readonly tool: string;
  readonly limit: LimitName;
  readonly rows: PurgedRows;
}

/** What the schedule logs or removes: `expired` is whatever counts no more, keys, links and credentials. */
export type PurgedRows = "lapsed_claims" | "expired" | "deleted_tasks" | "changes";

/** How a turn of the agent ends. */
type TurnOutcome = "completed" | "approval_required" | "stopped" | "failed";

/** Methods that have a label of their own; every other is `other`. */
export const httpMethods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

/** The `method` label. */
export type HttpMethod = (typeof httpMethods)[number] | "other";

interface MetricDeclaration {
  /** A gauge counts up and down and belongs to no version. */
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly (keyof Labels)[];
  /**
   * Statuses that are told as 0 until they are counted, for whatever else the labels say: alerts go by them, and an
   * increase is seen only from a sample before it. A status is the last of the labels.
   */
  readonly fromZero?: readonly Labels["status"][];
  /** Of a histogram: the upper bounds of its buckets, in seconds. */
  readonly buckets?: readonly number[];
}

// The runbook's thresholds, 0.5 s and 1 s, are bounds, so that what is above them is counted and not estimated.
const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const QUERY_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15];
const TURN_SECONDS = [0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 60, 120, 300];

const failureStatuses = [...new Set(failureKinds.map((kind) => `${errorKinds[kind].status}` as const))];

/** Every metric that is counted in the isolates, by its name at `/metrics`. */
export const metricCatalog = {
  http_requests_total: {
    type: "counter",
    help: "Requests answered; a stream counts when it begins.",
    labels: ["route", "method", "status"],
    fromZero: failureStatuses,
  },
  http_request_duration_seconds: {
    type: "histogram",
    help: "Time until a request was answered; of a stream, until it began.",
    labels: ["route", "method"],
    buckets: REQUEST_SECONDS,
  },
  rate_limited_requests_total: {
    type: "counter",
    help: "Requests answered 429: refused by a rate limit or a budget.",
    labels: ["route"],
  },
  limits_reached_total: {
    type: "counter",
    help: "Requests refused because a ceiling is reached: of tasks, conversations, sessions, sign-ups or tokens.",
    labels: ["limit"],
  },
  sign_in_failures_total: {
    type: "counter",
    help: "Sign-ins with an unknown e-mail or a wrong password.",
    labels: [],
  },
  password_hashes_refused_total: {
    type: "counter",
    help: "Requests that need a password hashed answered 503, as too many of them waited.",
    labels: [],
  },
  mails_total: {
    type: "counter",
    help: "Mails handed to MAIL_WEBHOOK_URL: success, or unavailable where it took none of the attempts.",
    labels: ["status"],
    fromZero: ["unavailable"],
  },
  tool_executions_total: {
    type: "counter",
    help: "Tool calls, whatever interface they came by; status is success or the kind of error.",
    labels: ["tool", "status"],
    fromZero: failureKinds,
  },
  tool_execution_duration_seconds: {
    type: "histogram",
    help: "Time a tool call took.",
    labels: ["tool"],
    buckets: REQUEST_SECONDS,
  },
  tasks_created_total: {
    type: "counter",
    help: "Tasks created, each once, when somebody is told of it; of unknown outcomes only those that a repeat finds by its key.",
    labels: [],
  },
  tasks_completed_total: {
    type: "counter",
    help: "Tasks that became completed; counted as those created are.",
    labels: [],
  },
  database_query_duration_seconds: {
    type: "histogram",
    help: "Time a request to the database took: one statement, or one batch that is one transaction.",
    labels: [],
    buckets: QUERY_SECONDS,
  },
  database_errors_total: {
    type: "counter",
    help: "Requests to the database that failed: unavailable when it could not be reached or was too slow, else internal.",
    labels: ["status"],
  },
  slow_queries_total: {
    type: "counter",
    help: "Requests to the database that took SLOW_QUERY_MS or longer.",
    labels: [],
  },
  purge_runs_total: {
    type: "counter",
    help: "Runs of the schedule, which removes what is kept for some time alone; status is success or the kind of the first error.",
    labels: ["status"],
    fromZero: ["success"],
  },
  purged_rows_total: {
    type: "counter",
    help: "What the schedule has done: claims found lapsed; expired rows, deleted tasks and changes of tasks removed.",
    labels: ["rows"],
  },
  agent_turns_total: {
    type: "counter",
    help: "Turns of the chat agent, by how they ended.",
    labels: ["status"],
  },
  agent_timeouts_total: {
    type: "counter",
    help: "Turns of the chat agent that AGENT_TIMEOUT or AGENT_TOTAL_TIMEOUT ended.",
    labels: [],
  },
  agent_tokens_total: {
    type: "counter",
    help: "Tokens of the model that chat used, in and out.",
    labels: [],
  },
  agent_turn_duration_seconds: {
    type: "histogram",
    help: "Time a turn of the chat agent took.",
    labels: [],
    buckets: TURN_SECONDS,
  },
  agent_model_duration_seconds: {
    type: "histogram",
    help: "Time a turn of the chat agent waited for the model.",
    labels: [],
    buckets: TURN_SECONDS,
  },
  mcp_sessions_open: {
    type: "gauge",
    help: "MCP sessions of the 2025 protocols that are open.",
    labels: [],
  },
} as const satisfies Record<string, MetricDeclaration>;

type Catalog = typeof metricCatalog;

/** The name of a metric. */
export type MetricName = keyof Catalog;

/** The names of the metrics of a type. */
export type MetricNameOf<Type extends MetricDeclaration["type"]> = {
  [Name in MetricName]: Catalog[Name]["type"] extends Type ? Name : never;
}[MetricName];

/** The labels that a metric carries; each must be given. */
export type LabelsOf<Name extends MetricName> = Pick<Labels, Catalog[Name]["labels"][number]>;

/** A metric's declaration, without its own type's precision. */
export function declarationOf(name: MetricName): MetricDeclaration {
  return metricCatalog[name];
}

/** Whether a name is that of a metric. */
export function isMetricName(name: string): name is MetricName {
  return Object.hasOwn(metricCatalog, name);
}
