import type { RateLimit } from "../release-target.ts";
import { RunbookError, UsageError } from "../runbook-error.ts";
import { criteria } from "../watch/criteria.ts";
import type { Connections } from "./connections.ts";

/** What was sent and how it was answered. */
export interface Load {
  /** Undefined for a request without an answer. */
  readonly statuses: (number | undefined)[];
  readonly milliseconds: number[];
}

/** What came of a load. */
export interface JudgedLoad {
  readonly evidence: string;
  readonly result: { requests: number; errors: number; p95: number; connections: Connections };
}

const LARGEST_SHARE_OF_CONNECTIONS = 0.8;
/** Each person signs up and is deleted. */
const REQUESTS_APART = 2;

/**
 * Makes sure that a load gets past the rate limits: what these refuse does not reach the database.
 *
 * @param people how many share the load; they come from one address
 * @throws UsageError naming the largest rate
 */
export function refuseLimitedRate(rate: number, limits: readonly RateLimit[], people: number): void {
  for (const [limiter, shares] of [
    ["ADDRESS_RATE_LIMITER", 1],
    ["CREDENTIAL_RATE_LIMITER", people],
    ["USER_RATE_LIMITER", people],
  ] as const) {
    const found = limits.find(({ name }) => name === limiter);
    if (found === undefined) continue;
    const { limit, period } = found;
    const most = Math.floor((limit * shares - people * REQUESTS_APART) / period);
    if (rate > most) {
      throw new UsageError(`--rate must be ${most} at most, as ${limiter} lets ${limit} requests in ${period} s pass`);
    }
  }
}

/** @throws RunbookError when too much failed, answers were too slow, or too many connections were open */
export function judgeLoad({ statuses, milliseconds }: Load, connections: Connections): JudgedLoad {
  const requests = statuses.length;
  const failed = statuses.filter((status) => status === undefined || status < 200 || status > 299);
  const errors = failed.length;
  const p95 = Math.round([...milliseconds].sort((a, b) => a - b)[Math.floor(milliseconds.length * 0.95)] ?? 0);
  const kinds = [...new Set(failed)].map((status) => status ?? "no answer").sort();
  const answered = errors === 0 ? "" : ` (${kinds.join(", ")})`;
  const evidence = `${requests} requests, ${errors} errors${answered}, p95 ${p95} ms from here, at most ${connections.used} of ${connections.most} connections`;
  if (requests === 0 || errors / requests >= criteria.targetErrorRate) throw new RunbookError(evidence);
  if (p95 >= criteria.targetP95) throw new RunbookError(`${evidence}: not < ${criteria.targetP95} ms`);
  if (connections.used > connections.most * LARGEST_SHARE_OF_CONNECTIONS) {
    throw new RunbookError(`${evidence}: too close to the limit`);
  }
  return { evidence, result: { requests, errors, p95, connections } };
}
