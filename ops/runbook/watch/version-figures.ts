import { failureKinds } from "../../../src/errors.ts";
import type { Sample } from "./metrics-text.ts";

/** What a version has done so far: sums that only grow. */
export interface VersionTotals {
  readonly requests: number;
  /** Answered with 5xx, but for tools by plain HTTP. */
  readonly errors: number;
  /** Tools by plain HTTP, answered with 5xx. */
  readonly plainToolErrors: number;
  /** Tool calls that failed and were not the caller's fault, by whatever interface: MCP and chat answer 200 all the same. */
  readonly toolFailures: number;
  /** Requests of the routes whose speed counts, by the upper bound of their bucket; each includes those below. */
  readonly durations: ReadonlyMap<number, number>;
}

/** What a version did in a stretch of time. */
export interface VersionFigures {
  readonly requests: number;
  /** Requests that failed, and tool calls that failed in requests that did not. */
  readonly errors: number;
  /** From 0 to 1. */
  readonly errorRate: number;
  /** In milliseconds; undefined where nothing was measured. */
  readonly p95: number | undefined;
}

/** Asked by monitors and by the runbook itself: they say nothing of what people get. */
const NOT_FOR_PEOPLE = new Set(["/health", "/metrics"]);

/** As slow as a model, a password's hash or a client's patience. */
const NOT_TIMED: readonly RegExp[] = [
  /^\/chat/,
  /^\/api\/chat/,
  /^\/api\/auth\//,
  /events$/,
  /stream$/,
  /^\/oauth/,
  /^\/authorize/,
  /^\/account\//,
  /^\/api\/export/,
];

const PLAIN_TOOL = "/mcp/tools/:name";
const FAILURES_OF_OURS = new Set<string>(failureKinds);

/** Adds up what the metrics say of one version. */
export function totalsOf(samples: readonly Sample[], versionId: string): VersionTotals {
  const own = samples.filter(({ labels }) => labels.version === versionId && !NOT_FOR_PEOPLE.has(labels.route ?? ""));
  const requests = own.filter(({ name }) => name === "http_requests_total");
  const errors = requests.filter(({ labels }) => labels.status?.startsWith("5"));
  const isPlainTool = ({ labels }: Sample) => labels.route === PLAIN_TOOL;
  const isFailureOfOurs = ({ name, labels }: Sample) =>
    name === "tool_executions_total" && FAILURES_OF_OURS.has(labels.status ?? "");
  const durations = new Map<number, number>();
  for (const { name, labels, value } of own) {
    if (name !== "http_request_duration_seconds_bucket" || !isTimed(labels)) continue;
    const bound = labels.le === "+Inf" ? Number.POSITIVE_INFINITY : Number(labels.le);
    durations.set(bound, (durations.get(bound) ?? 0) + value);
  }
  const sum = (list: readonly Sample[]) => list.reduce((total, { value }) => total + value, 0);
  return {
    requests: sum(requests),
    errors: sum(errors.filter((sample) => !isPlainTool(sample))),
    plainToolErrors: sum(errors.filter(isPlainTool)),
    toolFailures: sum(own.filter(isFailureOfOurs)),
    durations,
  };
}

/** What was done between two readings. */
export function figuresBetween(before: VersionTotals, after: VersionTotals): VersionFigures {
  const requests = after.requests - before.requests;
  // A tool that fails by plain HTTP is in both counts.
  const ofTools = Math.max(after.plainToolErrors - before.plainToolErrors, after.toolFailures - before.toolFailures);
  const errors = after.errors - before.errors + ofTools;
  const durations = new Map(
    [...after.durations].map(([bound, count]) => [bound, count - (before.durations.get(bound) ?? 0)]),
  );
  return { requests, errors, errorRate: shareOf(errors, requests), p95: quantile(0.95, durations) };
}

/** One request may call several tools, so that more can fail than were asked. */
function shareOf(errors: number, requests: number): number {
  return requests === 0 ? 0 : Math.min(1, errors / requests);
}

function isTimed({ route = "", method }: Readonly<Record<string, string>>): boolean {
  // GET /mcp is a stream.
  if (route.startsWith("/mcp") && method === "GET" && !route.startsWith("/mcp/tools")) return false;
  return !NOT_TIMED.some((pattern) => pattern.test(route));
}

/** As Prometheus' histogram_quantile: in proportion within the bucket, and its lower bound in the last. */
function quantile(share: number, buckets: ReadonlyMap<number, number>): number | undefined {
  const sorted = [...buckets].sort(([a], [b]) => a - b);
  const total = sorted.at(-1)?.[1] ?? 0;
  if (total === 0) return undefined;
  let [lowerBound, below] = [0, 0];
  for (const [bound, count] of sorted) {
    if (count >= share * total) {
      const part = count === below ? 1 : (share * total - below) / (count - below);
      return 1000 * (Number.isFinite(bound) ? lowerBound + (bound - lowerBound) * part : lowerBound);
    }
    [lowerBound, below] = [bound, count];
  }
  return undefined;
}
