import { declarationOf, isMetricName, type MetricName, metricCatalog } from "./metric-catalog.ts";

/** The media type of Prometheus' text format, https://prometheus.io/docs/instrumenting/exposition_formats/. */
export const METRICS_MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Adds up the totals of several shards. */
export function addTotals(shards: readonly ReadonlyMap<string, readonly number[]>[]): Map<string, readonly number[]> {
  const totals = new Map<string, readonly number[]>();
  for (const [series, values] of shards.flatMap((shard) => [...shard])) {
    const sum = totals.get(series);
    totals.set(
      series,
      sum?.length === values.length ? sum.map((value, index) => value + (values[index] ?? 0)) : values,
    );
  }
  return totals;
}

/**
 * Writes totals in Prometheus' text format, and whether the database answers. Series of metrics that this version
 * does not know, as there may be while another one is being rolled out, are left to that one to tell.
 */
export function toMetricsText(totals: ReadonlyMap<string, readonly number[]>, isDatabaseUp: boolean): string {
  const lines = Object.keys(metricCatalog)
    .filter(isMetricName)
    .flatMap((name) => linesOf(name, totals));
  lines.push(...header("database_up", "gauge", "Whether the database answered when this was read: 1 or 0."));
  lines.push(`database_up ${isDatabaseUp ? 1 : 0}`);
  return `${lines.join("\n")}\n`;
}

function linesOf(name: MetricName, totals: ReadonlyMap<string, readonly number[]>): string[] {
  const { type, help, buckets } = declarationOf(name);
  const series = [...totals].flatMap(([key, values]): [string, readonly number[]][] =>
    key.startsWith(`${name}{`) ? [[key.slice(name.length + 1, -1), values]] : [],
  );
  const samples = series.flatMap(([ownLabels, values]) =>
    buckets === undefined
      ? [`${name}${inBraces(ownLabels)} ${values[0] ?? 0}`]
      : histogramLines(name, ownLabels, buckets, values),
  );
  const ownLabels = series.map(([labelsOfSeries]) => labelsOfSeries);
  samples.push(...seriesFromZero(name, ownLabels, versionsOf(totals)).map((missing) => `${name}{${missing}} 0`));
  if (type === "gauge" && samples.length === 0) samples.push(`${name} 0`);
  return samples.length === 0 ? [] : [...header(name, type, help), ...samples];
}

/**
 * The labels of series that have counted nothing yet. One that is not there until the first failure would hide it, and
 * each version begins anew, also where only another has answered so far.
 */
function seriesFromZero(name: MetricName, known: readonly string[], versions: readonly string[]): string[] {
  const { type, labels, fromZero = [] } = declarationOf(name);
  if (type !== "counter") return [];
  const isBare = labels.length === 0;
  const beginnings = isBare ? [""] : new Set(known.map((own) => own.replace(/status="[^"]*",version="[^"]*"$/, "")));
  const statuses = isBare ? [""] : fromZero.map((status) => `status="${status}",`);
  const wanted = [...beginnings].flatMap((beginning) =>
    statuses.flatMap((status) => versions.map((version) => `${beginning}${status}${version}`)),
  );
  const counted = new Set(known);
  return wanted.filter((own) => !counted.has(own));
}

function histogramLines(
  name: MetricName,
  labels: string,
  buckets: readonly number[],
  values: readonly number[],
): string[] {
  if (values.length !== buckets.length + 2) return [];
  let count = 0;
  const counts = values.slice(0, -1).map((value) => (count += value));
  return [
    ...counts.map((value, index) => `${name}_bucket{${labels},le="${buckets[index] ?? "+Inf"}"} ${value}`),
    `${name}_sum${inBraces(labels)} ${values.at(-1) ?? 0}`,
    `${name}_count${inBraces(labels)} ${count}`,
  ];
}

function header(name: string, type: string, help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

function inBraces(labels: string): string {
  return labels === "" ? "" : `{${labels}}`;
}

/** `version="…"` of every version that has counted anything. */
function versionsOf(totals: ReadonlyMap<string, readonly number[]>): string[] {
  return [...new Set([...totals.keys()].flatMap((series) => /version="[^"]*"(?=}$)/.exec(series)?.[0] ?? []))];
}
