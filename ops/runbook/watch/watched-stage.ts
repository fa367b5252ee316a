import type { TimeScale } from "../duration.ts";
import { criteria } from "./criteria.ts";
import type { VersionFigures } from "./version-figures.ts";

/** What a watch has measured up to some moment. */
export interface Measured {
  readonly figures: VersionFigures;
  readonly healthChecks: number;
  readonly healthFailures: number;
  /** How long it has been measured. */
  readonly milliseconds: number;
}

/** A stage of a release, and what was measured at it. */
export interface WatchedStage {
  readonly percentage: number;
  /** How long it was to be watched. */
  readonly minutes: number;
  readonly timeScale: TimeScale;
  readonly measured: Measured;
}

/** A line of a log: whether what it says was seen, for as long as it says, and what was seen. */
interface JudgedLine {
  readonly isTrue: boolean;
  readonly evidence: string;
}

const NOT_WATCHED: JudgedLine = { isTrue: false, evidence: "not watched" };

/** Of all health checks of a release. */
export function judgeHealth(stages: readonly WatchedStage[]): JudgedLine {
  return judge(stages, ({ measured: { healthChecks, healthFailures } }) => ({
    isTrue: healthChecks > 0 && healthFailures === 0,
    evidence: `${healthChecks - healthFailures} of ${healthChecks} passed`,
  }));
}

/** Of all requests of a release. */
export function judgeErrors(stages: readonly WatchedStage[]): JudgedLine {
  return judge(stages, ({ measured: { figures } }) => ({
    isTrue: figures.requests > 0 && figures.errors === 0,
    evidence: `${figures.errors} of ${figures.requests} requests failed`,
  }));
}

/** Of the speed at each stage. */
export function judgePerformance(stages: readonly WatchedStage[]): JudgedLine {
  return judge(stages, ({ measured: { figures } }) => ({
    isTrue: figures.p95 !== undefined && figures.p95 < criteria.targetP95,
    evidence: figures.p95 === undefined ? "no p95" : `p95 ${Math.round(figures.p95)} ms`,
  }));
}

/** A line is true where it is so at each stage; what was rehearsed in seconds was not so for minutes. */
function judge(stages: readonly WatchedStage[], judgeStage: (stage: WatchedStage) => JudgedLine): JudgedLine {
  if (stages.length === 0) return NOT_WATCHED;
  const judged = stages.map((stage) => ({ stage, ...judgeStage(stage) }));
  return {
    isTrue: judged.every(({ isTrue, stage }) => isTrue && stage.timeScale.remark === undefined),
    evidence: judged.map(({ evidence, stage }) => `${evidence} ${describeStage(stage)}`).join("; "),
  };
}

function describeStage({ percentage, minutes, timeScale, measured }: WatchedStage): string {
  const seconds = Math.round(measured.milliseconds / 1000);
  if (timeScale.remark !== undefined) return `in ${seconds} s that stand for ${minutes} minutes at ${percentage} %`;
  const isWhole = measured.milliseconds >= timeScale.minutes(minutes);
  return isWhole
    ? `in ${minutes} minutes at ${percentage} %`
    : `in ${seconds} s of ${minutes} minutes at ${percentage} %`;
}
