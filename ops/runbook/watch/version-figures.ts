import type { Sample } from "./metrics-text.ts";

/** What a version has done so far: sums that only grow. */
export interface VersionTotals {
  readonly requests: number;
  /** Answered with 5xx. */
  readonly errors: number;
  /** Requests of the routes whose speed counts, by the upper bound of their bucket; each includes those below. */
  readonly durations: ReadonlyMap<number, number>;
}

/** What a version did in a stretch of time. */
export interface VersionFigures {
  readonly requests: number;
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
];

/** Adds up what the metrics say of one version. */
export function totalsOf(samples: readonly Sample[], versionId: string): VersionTotals {
  const own = samples.filter(({ labels }) => labels.version === versionId && !NOT_FOR_PEOPLE.has(labels.route ?? ""));
  const requests = own.filter(({ name }) => name === "http_requests_total");
  const durations = new Map<number, number>();
  for (const { name, labels, value } of own) {
    if (name !== "http_request_duration_seconds_bucket" || !isTimed(labels)) continue;
    const bound = labels.le === "+Inf" ? Number.POSITIVE_INFINITY : Number(labels.le);
    durations.set(bound, (durations.get(bound) ?? 0) + value);
  }
  const sum = (list: readonly Sample[]) => list.reduce((total, { value }) => total + value, 0);
  return {
    requests: sum(requests),
    errors: sum(requests.filter(({ labels }) => labels.status?.startsWith("5"))),
    durations,
  };
}

/** What was done between two readings. */
export function figuresBetween(before: VersionTotals, after: VersionTotals): VersionFigures {
  const requests = after.requests - before.requests;
  const errors = after.errors - before.errors;
  const durations = new Map(
    [...after.durations].map(([bound, count]) => [bound, count - (before.durations.get(bound) ?? 0)]),
  );
  return { requests, errors, errorRate: requests === 0 ? 0 : errors / requests, p95: quantile(0.95, durations) };
}

/** The totals of a version that has done nothing. */
export const NOTHING: VersionTotals = { requests: 0, errors: 0, durations: new Map() };

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
