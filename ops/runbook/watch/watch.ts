import type { Deployment } from "../deployment.ts";
import { sleep, type TimeScale } from "../duration.ts";
import { RunbookError, reasonOf } from "../runbook-error.ts";
import { criteria, describeFigures, missedCriteria, rollbackTrigger } from "./criteria.ts";
import { readMetricsText } from "./metrics-text.ts";
import { Readings } from "./readings.ts";
import { SmokeTraffic } from "./smoke-traffic.ts";
import { totalsOf, type VersionTotals } from "./version-figures.ts";
import type { Measured } from "./watched-stage.ts";

/** What came of watching a version. */
export interface Verdict extends Measured {
  /** Why it is to be rolled back, or was no success; empty when all is well. */
  readonly failures: readonly string[];
  readonly ownRequests: number;
}

/** What is watched, and how long. */
export interface WatchOrder {
  readonly deployment: Deployment;
  /** The version that is judged, as the metrics name it. */
  readonly versionId: string;
  readonly metricsToken: string;
  readonly minutes: number;
  readonly timeScale: TimeScale;
  /** Ends the watch before its time, without a verdict. */
  readonly interruption?: AbortSignal;
  readonly tell: (line: string) => void;
  /** Is told after each check what was measured so far, as the watch may be broken off. */
  readonly onMeasured?: (measured: Measured) => void;
}

const CHECK_EVERY_MINUTES = 1 / 6;
const SHORTEST_TICK = 500;
const OWN_REQUESTS = 120;
/** Isolates hand their counts over within 5 seconds; that does not get faster in a rehearsal. */
const HAND_OVER_MILLISECONDS = 5_500;
const TOLD_TIMES = 6;

/**
 * Watches one version for a while: its health, and what the metrics count of it alone, with enough requests of our own.
 * Returns early when it has to be rolled back.
 */
export async function watchVersion(order: WatchOrder): Promise<Verdict> {
  const { deployment, timeScale, minutes, interruption, tell, onMeasured } = order;
  const before = await readTotals(order).catch((error: unknown) => {
    throw new RunbookError(`the metrics cannot be read: ${reasonOf(error)}`, { cause: error });
  });
  const watching = new Watching(order, before);
  const traffic = await SmokeTraffic.begin(deployment);
  try {
    const window = timeScale.minutes(minutes);
    const ticks = Math.ceil(window / Math.max(SHORTEST_TICK, timeScale.minutes(CHECK_EVERY_MINUTES)));
    const begun = Date.now();
    for (let tick = 1; tick <= ticks; tick += 1) {
      const due = Math.ceil((OWN_REQUESTS * tick) / ticks) - traffic.sent;
      await watching.request(() => traffic.send(due));
      const failure = await watching.check();
      onMeasured?.(watching.measured);
      if (failure !== undefined) return watching.verdict([failure], traffic.sent);
      if (tick % Math.ceil(ticks / TOLD_TIMES) === 0) tell(watching.state());
      await sleep(begun + (window * tick) / ticks - Date.now(), interruption);
    }
    await sleep(HAND_OVER_MILLISECONDS, interruption);
    const verdict = await watching.finish(traffic.sent);
    onMeasured?.(verdict);
    return verdict;
  } finally {
    await traffic.end().catch((error: unknown) => tell(`the throw-away account stays: ${reasonOf(error)}`));
  }
}

class Watching {
  readonly #order: WatchOrder;
  readonly #readings: Readings;
  readonly #begun = Date.now();
  #healthChecks = 0;
  #healthFailures = 0;
  #failing = new Map<string, { since: number; reason: string }>();

  constructor(order: WatchOrder, before: VersionTotals) {
    this.#order = order;
    const recent = order.timeScale.minutes(criteria.recentMinutes);
    this.#readings = new Readings({ at: Date.now(), totals: before }, recent);
  }

  /** Sends a request whose failure to be answered at all counts as failing. */
  async request(send: () => Promise<void>): Promise<void> {
    await this.#note("requests", send);
  }

  /** @returns why the version is to be rolled back now */
  async check(): Promise<string | undefined> {
    this.#healthChecks += 1;
    const isHealthy = await this.#note("health checks", async () => void (await this.#order.deployment.health()));
    if (!isHealthy) this.#healthFailures += 1;
    await this.#note("the metrics", () => this.#read());
    return this.#failingTooLong() ?? this.#trigger();
  }

  async finish(ownRequests: number): Promise<Verdict> {
    const failures: string[] = [];
    try {
      await this.#read();
    } catch (error) {
      failures.push(`the metrics cannot be read: ${reasonOf(error)}`);
    }
    if (this.#healthFailures > 0) {
      failures.push(`${this.#healthFailures} of ${this.#healthChecks} health checks failed, and all have to pass`);
    }
    const trigger = this.#trigger();
    failures.push(...(trigger === undefined ? missedCriteria(this.#readings.whole) : [trigger]));
    return this.verdict(failures, ownRequests);
  }

  verdict(failures: readonly string[], ownRequests: number): Verdict {
    return { ...this.measured, failures, ownRequests };
  }

  get measured(): Measured {
    return {
      figures: this.#readings.whole,
      healthChecks: this.#healthChecks,
      healthFailures: this.#healthFailures,
      milliseconds: Date.now() - this.#begun,
    };
  }

  state(): string {
    const failing = [...this.#failing.values()].map(({ reason }) => `; ${reason}`).join("");
    return `${describeFigures(this.#readings.whole)}, ${this.#healthChecks} health checks${failing}`;
  }

  async #read(): Promise<void> {
    this.#readings.add({ at: Date.now(), totals: await readTotals(this.#order) });
  }

  #trigger(): string | undefined {
    return rollbackTrigger(this.#readings.whole, this.#readings.recent);
  }

  async #note(what: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      this.#failing.delete(what);
      return true;
    } catch (error) {
      const since = this.#failing.get(what)?.since ?? Date.now();
      this.#failing.set(what, { since, reason: reasonOf(error) });
      return false;
    }
  }

  #failingTooLong(): string | undefined {
    const limit = this.#order.timeScale.minutes(criteria.healthFailingMinutes);
    const [what, failure] = [...this.#failing].find(([, { since }]) => Date.now() - since > limit) ?? [];
    return failure && `${what} failing for more than ${criteria.healthFailingMinutes} minutes: ${failure.reason}`;
  }
}

/** @throws RunbookError when the metrics cannot be read, or are not metrics */
async function readTotals({ deployment, versionId, metricsToken }: WatchOrder): Promise<VersionTotals> {
  const { status, text } = await deployment.send("/metrics", { token: metricsToken });
  if (status !== 200) throw new RunbookError(`/metrics answered ${status}`);
  const samples = readMetricsText(text);
  if (samples === undefined) throw new RunbookError("/metrics answered with something else than metrics");
  return totalsOf(samples, versionId);
}
