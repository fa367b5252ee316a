import { declarationOf, type LabelsOf, type MetricName, type MetricNameOf } from "./metric-catalog.ts";

/**
 * A series by its name and labels as `/metrics` writes them, and what to add to it: for a counter one amount;
 * for a histogram how many fell into each bucket and no smaller one, how many above all, and the sum.
 */
export type MetricDelta = readonly [series: string, values: readonly number[]];

/** Of one metric: more than all routes, tools and statuses can make. Beyond it something unbounded became a label. */
const MOST_SERIES = 2_000;

/** Counts in memory, without waiting for anything. */
export class MetricsRecorder {
  #values = new Map<MetricName, Map<string, number[]>>();

  /** Adds to a counter. An amount that is no finite number counts nothing, as no sum would survive it. */
  count<Name extends MetricNameOf<"counter">>(name: Name, labels: LabelsOf<Name>, amount = 1): void {
    this.#add(name, labels, 1, 0, amount);
  }

  /** Adds a duration to a histogram. */
  observe<Name extends MetricNameOf<"histogram">>(name: Name, labels: LabelsOf<Name>, seconds: number): void {
    if (!Number.isFinite(seconds)) return;
    const { buckets = [] } = declarationOf(name);
    const bucket = buckets.findIndex((bound) => seconds <= bound);
    const values = this.#add(name, labels, buckets.length + 2, bucket === -1 ? buckets.length : bucket, 1);
    addTo(values, buckets.length + 1, seconds);
  }

  /** All that was counted since the last time, as counted by one version of the worker. */
  take(version: string): MetricDelta[] {
    const taken = [...this.#values].flatMap(([name, series]) => {
      return [...series].map(([labels, values]): MetricDelta => [`${name}{${labels}version="${version}"}`, values]);
    });
    this.#values = new Map();
    return taken;
  }

  #add(name: MetricName, labels: Partial<Record<string, string>>, size: number, index: number, amount: number) {
    const series = this.#values.get(name) ?? new Map<string, number[]>();
    this.#values.set(name, series);
    let key = "";
    for (const label of declarationOf(name).labels) key += `${label}="${labels[label]}",`;
    let values = series.get(key);
    if (values === undefined) {
      values = new Array<number>(size).fill(0);
      if (series.size < MOST_SERIES) series.set(key, values);
    }
    addTo(values, index, amount);
    return values;
  }
}

function addTo(values: number[], index: number, amount: number): void {
  if (!Number.isFinite(amount)) return;
  values[index] = (values[index] ?? 0) + amount;
}

/** What this isolate counts; `handOverMetrics` takes it to where the counts of all isolates are added up. */
export const metrics = new MetricsRecorder();
