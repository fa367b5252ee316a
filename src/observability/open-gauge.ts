import { createLogger, type Logger } from "./log.ts";
import type { MetricNameOf } from "./metric-catalog.ts";
import { deliver, METRICS_SHARDS, metricsShard } from "./metrics-hand-over.ts";

/** The metrics object that an object tells: always the same one. */
type Shard = ReturnType<typeof metricsShard>;

/**
 * Whether a Durable Object is open, as a gauge counts it. The object says so under its own id, and until when: what is
 * lost or said twice does not make the gauge drift, as adding one and taking one away would.
 */
export class OpenGauge {
  readonly #name: MetricNameOf<"gauge">;
  readonly #ctx: DurableObjectState;
  readonly #metrics: Env["METRICS"];
  readonly #log: Logger;
  #shard: Shard | undefined;

  /** @param object the class of the object, for the log */
  constructor(name: MetricNameOf<"gauge">, object: string, ctx: DurableObjectState, env: Pick<Env, "METRICS">) {
    this.#name = name;
    this.#ctx = ctx;
    this.#metrics = env.METRICS;
    this.#log = createLogger("info", { object });
  }

  /** Says that the object is open until it is closed, or that moment has passed. Waits for nothing. */
  open(until: number): void {
    this.#tell((shard, id) => shard.open(this.#name, id, until));
  }

  /** Says that it is closed. Waits for nothing. */
  close(): void {
    this.#tell((shard, id) => shard.close(this.#name, id));
  }

  #tell(tell: (shard: Shard, id: string) => Promise<void>): void {
    const id = this.#ctx.id.toString();
    const send = async () => {
      // One stub, so that what is said arrives in that order; after a failure it would go on failing.
      this.#shard ??= metricsShard(this.#metrics, Number.parseInt(id.slice(-6), 16) % METRICS_SHARDS);
      try {
        await tell(this.#shard, id);
      } catch (error) {
        this.#shard = undefined;
        throw error;
      }
    };
    this.#ctx.waitUntil(deliver(this.#log, send));
  }
}
