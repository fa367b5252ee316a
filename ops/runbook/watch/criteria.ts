import type { VersionFigures } from "./version-figures.ts";

/** The runbook's own numbers: "When to Rollback" and "Success Criteria". */
export const criteria = {
  /** Rollback: health checks failing for longer. */
  healthFailingMinutes: 2,
  /** Rollback: an error rate above. */
  largestErrorRate: 0.05,
  /** Success: an error rate below. */
  targetErrorRate: 0.001,
  /** Success: a p95 response time below, in milliseconds. */
  targetP95: 500,
  /** Success: all health checks passing for this long. */
  successMinutes: 30,
  /** An error rate is judged over the whole watch, and over the last while. */
  recentMinutes: 5,
  /** A rate of fewer requests says nothing. */
  fewestRequests: 100,
} as const;

/**
 * Why a version has to be rolled back at once, by the whole watch or by the last minutes of it; undefined while there is
 * no such reason.
 */
export function rollbackTrigger(whole: VersionFigures, recent: VersionFigures): string | undefined {
  const late = tooManyErrors(recent);
  return tooManyErrors(whole) ?? (late && `lately ${late}`);
}

function tooManyErrors({ requests, errors, errorRate }: VersionFigures): string | undefined {
  if (requests < criteria.fewestRequests || errorRate <= criteria.largestErrorRate) return undefined;
  return `error rate ${percent(errorRate)} > ${percent(criteria.largestErrorRate)} (${errors} of ${requests} requests)`;
}

/** Every success criterion that a version has missed in a whole window. */
export function missedCriteria(figures: VersionFigures): string[] {
  const { requests, errors, errorRate, p95 } = figures;
  const missed: string[] = [];
  if (requests < criteria.fewestRequests) {
    missed.push(`only ${requests} requests were counted, ${criteria.fewestRequests} are needed to judge`);
  }
  if (errorRate >= criteria.targetErrorRate) {
    missed.push(
      `error rate ${percent(errorRate)}, not < ${percent(criteria.targetErrorRate)} (${errors} of ${requests})`,
    );
  }
  if (p95 === undefined) missed.push("no response time was measured");
  else if (p95 >= criteria.targetP95) missed.push(`p95 ${Math.round(p95)} ms, not < ${criteria.targetP95} ms`);
  return missed;
}

export function describeFigures({ requests, errors, errorRate, p95 }: VersionFigures): string {
  const speed = p95 === undefined ? "no p95" : `p95 ${Math.round(p95)} ms`;
  return `${requests} requests, ${errors} errors (${percent(errorRate)}), ${speed}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
