import { sleep } from "../sleep.ts";
import { describeError } from "./describe-error.ts";
import type { Logger } from "./log.ts";
import { type MetricDelta, type MetricsRecorder, metrics } from "./metrics.ts";
import type { HandOver, MetricsObject } from "./metrics-object.ts";

/** Among how many objects the isolates share out; one of them takes about a thousand hand-overs a second. */
export const METRICS_SHARDS = 4;

/** How long counts are collected before they are handed over together. */
const DELAY_MILLISECONDS = 2_000;
/** After how long another request takes over from one that was ended before it could hand over. */
const GIVE_UP_MILLISECONDS = 4_000;
const ATTEMPTS = 3;
const RETRY_MILLISECONDS = 500;

/** What the worker or the Durable Object that has counted lends for handing over. */
export interface HandOverContext {
  readonly env: Pick<Env, "METRICS" | "CF_VERSION_METADATA">;
  /** Keeps what is going on alive after the answer. */
  readonly waitUntil: (promise: Promise<unknown>) => void;
  readonly log: Logger;
}

/** The object that adds up the counts of a part of the isolates. */
export function metricsShard(namespace: Env["METRICS"], shard: number): DurableObjectStub<MetricsObject> {
  return namespace.getByName(`shard-${shard}`);
}

/** Tells a metrics object something, and again where that fails; in the end the log alone says so. */
export async function deliver(log: Logger, send: () => Promise<void>): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    try {
      return await send();
    } catch (error) {
      log.warn("metrics_hand_over_failed", { attempt, cause: describeError(error) });
      if (attempt < ATTEMPTS) await sleep(RETRY_MILLISECONDS);
    }
  }
}

/** Hands the counts of one isolate over, each exactly once as long as the isolate lives. */
export class MetricsHandOver {
  readonly #recorder: MetricsRecorder;
  /** Random values may not be had before the first request. */
  #isolate: { readonly id: string; readonly shard: number } | undefined;
  #sequence = 0;
  #scheduledUntil = 0;
  /** Sent, and not known to have arrived: it goes again as it is, under the same number. */
  #outgoing: HandOver | undefined;

  constructor(recorder: MetricsRecorder) {
    this.#recorder = recorder;
  }

  /** Sees to it that what was counted is handed over soon. Waits for nothing. */
  schedule(context: HandOverContext): void {
    const now = Date.now();
    if (now < this.#scheduledUntil) return;
    this.#scheduledUntil = now + GIVE_UP_MILLISECONDS;
    context.waitUntil(this.#run(context));
  }

  async #run({ env, log }: HandOverContext): Promise<void> {
    await sleep(DELAY_MILLISECONDS);
    // What is counted from here on is for the next one.
    this.#scheduledUntil = 0;
    await deliver(log, () => this.#send(env));
  }

  async #send(env: HandOverContext["env"]): Promise<void> {
    const isRepeated = this.#outgoing !== undefined;
    const handOver = this.#outgoing ?? this.#take(env.CF_VERSION_METADATA.id);
    if (handOver === undefined) return;
    this.#outgoing = handOver;
    await metricsShard(env.METRICS, this.#identity().shard).add(handOver);
    // Another request may have been faster with the same one, and with the one after it.
    if (this.#outgoing === handOver) this.#outgoing = undefined;
    if (isRepeated) await this.#send(env);
  }

  #take(versionId: string): HandOver | undefined {
    const deltas: MetricDelta[] = this.#recorder.take(versionId === "" ? "local" : versionId);
    if (deltas.length === 0) return undefined;
    this.#sequence += 1;
    return { isolate: this.#identity().id, sequence: this.#sequence, deltas };
  }

  #identity(): { readonly id: string; readonly shard: number } {
    const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
    this.#isolate ??= { id: crypto.randomUUID(), shard: random % METRICS_SHARDS };
    return this.#isolate;
  }
}

const handOver = new MetricsHandOver(metrics);

/** Sees to it that what this isolate has counted is handed over soon: to be called wherever something was counted. */
export function handOverMetrics(context: HandOverContext): void {
  handOver.schedule(context);
}
