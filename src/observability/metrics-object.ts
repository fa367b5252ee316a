import { DurableObject } from "cloudflare:workers";
import * as z from "zod";
import { describeError } from "./describe-error.ts";
import { createLogger } from "./log.ts";
import { declarationOf, isMetricName, metricCatalog } from "./metric-catalog.ts";
import type { MetricDelta } from "./metrics.ts";

/** What one isolate counted since its last hand-over. */
export interface HandOver {
  readonly isolate: string;
  /** Grows by one with each hand-over of the isolate; the same one again counts nothing. */
  readonly sequence: number;
  readonly deltas: readonly MetricDelta[];
}

/** After how many hand-overs their sums are written down and they themselves are dropped. */
const JOURNAL_LENGTH = 64;
const HOUR = 60 * 60 * 1000;
/** How long an isolate may be silent until its number is forgotten. */
const ISOLATE_LIFETIME = 24 * HOUR;
/** How long a version may count nothing until its series are dropped, so that releases do not pile up. */
const VERSION_LIFETIME = 7 * 24 * HOUR;

/** The release before added gauges up: what its isolates hand over of them, and what stands in the totals, is not told. */
const gauges = Object.keys(metricCatalog).filter((name) => isMetricName(name) && declarationOf(name).type === "gauge");

const valuesSchema = z.array(z.number());
const deltaSchema = z.tuple([z.string(), valuesSchema]);
const log = createLogger("info", { object: "MetricsObject" });

interface Total {
  values: number[];
  changedAt: number;
}

/**
 * Adds up what isolates have counted. A hand-over is written to a journal, one row, before it is acknowledged; the
 * totals are in memory, and written down now and then in place of the journal.
 */
export class MetricsObject extends DurableObject<Env> {
  readonly #totals = new Map<string, Total>();
  readonly #isolates = new Map<string, { sequence: number; seenAt: number }>();
  /** Series that are newer in memory than in the table of totals. */
  readonly #changed = new Set<string>();
  #journalLength = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { sql } = ctx.storage;
    sql.exec(`
      create table if not exists totals (series text primary key, values_json text not null, changed_at integer not null) without rowid;
      create table if not exists isolates (isolate text primary key, sequence integer not null, seen_at integer not null) without rowid;
      create table if not exists open (gauge text not null, id text not null, until integer not null, primary key (gauge, id)) without rowid;
      create table if not exists journal (id integer primary key, isolate text not null, sequence integer not null, deltas_json text not null, added_at integer not null);
    `);
    this.#load(sql);
  }

  /** Adds a hand-over to the totals, unless it was added before. A series in it that is not of numbers is left out. */
  add({ isolate, sequence, deltas: given }: HandOver): void {
    if (sequence <= (this.#isolates.get(isolate)?.sequence ?? 0)) return;
    const deltas = given.filter(([, values]) => values.every(Number.isFinite));
    if (deltas.length < given.length) log.warn("metrics_refused", { series: given.length - deltas.length });
    const now = Date.now();
    this.ctx.storage.sql.exec(
      "insert into journal (isolate, sequence, deltas_json, added_at) values (?, ?, ?, ?)",
      isolate,
      sequence,
      JSON.stringify(deltas),
      now,
    );
    this.#apply(isolate, sequence, deltas, now);
    if (this.#journalLength >= JOURNAL_LENGTH) this.#writeDown(now);
  }

  /** Keeps that something is open until a moment, in milliseconds since 1970; of what is open already, the new moment. */
  open(gauge: string, id: string, until: number): void {
    this.ctx.storage.sql.exec("insert or replace into open (gauge, id, until) values (?, ?, ?)", gauge, id, until);
  }

  /** What is closed, or was never open, counts no longer. */
  close(gauge: string, id: string): void {
    this.ctx.storage.sql.exec("delete from open where gauge = ? and id = ?", gauge, id);
  }

  /** The totals by series, and of each gauge how much is open. */
  read(): Map<string, number[]> {
    const totals = new Map(Array.from(this.#totals, ([series, { values }]) => [series, values]));
    for (const gauge of gauges) totals.delete(`${gauge}{}`);
    const { sql } = this.ctx.storage;
    sql.exec("delete from open where until <= ?", Date.now());
    const counts = sql.exec<OpenRow>("select gauge, count(*) as count from open group by gauge");
    for (const { gauge, count } of counts) totals.set(`${gauge}{}`, [count]);
    return totals;
  }

  #load(sql: SqlStorage): void {
    for (const { series, values_json, changed_at } of sql.exec<TotalRow>("select * from totals")) {
      const values = readJson(values_json, valuesSchema);
      if (values !== undefined) this.#totals.set(series, { values, changedAt: changed_at });
    }
    for (const row of sql.exec<IsolateRow>("select isolate, sequence, seen_at from isolates")) {
      this.#isolates.set(row.isolate, { sequence: row.sequence, seenAt: row.seen_at });
    }
    for (const row of sql.exec<JournalRow>(
      "select isolate, sequence, deltas_json, added_at from journal order by id",
    )) {
      this.#apply(row.isolate, row.sequence, readDeltas(row.deltas_json), row.added_at);
    }
  }

  #apply(isolate: string, sequence: number, deltas: readonly MetricDelta[], now: number): void {
    for (const [series, values] of deltas) {
      const total = this.#totals.get(series)?.values;
      // Other buckets under the same version happen on a developer's machine alone; the newer ones hold.
      const sum =
        total?.length === values.length ? total.map((value, index) => value + (values[index] ?? 0)) : [...values];
      this.#totals.set(series, { values: sum, changedAt: now });
      this.#changed.add(series);
    }
    this.#isolates.set(isolate, { sequence, seenAt: now });
    this.#journalLength += 1;
  }

  #writeDown(now: number): void {
    const { sql } = this.ctx.storage;
    this.ctx.storage.transactionSync(() => {
      for (const series of this.#changed) {
        const total = this.#totals.get(series);
        if (total === undefined) continue;
        const { values, changedAt } = total;
        sql.exec("insert or replace into totals values (?, ?, ?)", series, JSON.stringify(values), changedAt);
      }
      for (const { isolate } of sql.exec<{ isolate: string }>("select distinct isolate from journal").toArray()) {
        const known = this.#isolates.get(isolate);
        if (known !== undefined)
          sql.exec("insert or replace into isolates values (?, ?, ?)", isolate, known.sequence, known.seenAt);
      }
      sql.exec("delete from journal");
      this.#forget(now);
    });
    this.#changed.clear();
    this.#journalLength = 0;
  }

  #forget(now: number): void {
    const { sql } = this.ctx.storage;
    for (const [isolate, { seenAt }] of this.#isolates) {
      if (seenAt > now - ISOLATE_LIFETIME) continue;
      this.#isolates.delete(isolate);
      sql.exec("delete from isolates where isolate = ?", isolate);
    }
    const lastChanges = new Map<string, number>();
    for (const [series, { changedAt }] of this.#totals) {
      const version = versionOf(series);
      if (version !== undefined) lastChanges.set(version, Math.max(changedAt, lastChanges.get(version) ?? 0));
    }
    for (const series of this.#totals.keys()) {
      const lastChange = lastChanges.get(versionOf(series) ?? "");
      if (lastChange === undefined || lastChange > now - VERSION_LIFETIME) continue;
      this.#totals.delete(series);
      sql.exec("delete from totals where series = ?", series);
    }
  }
}

type OpenRow = { gauge: string; count: number };
type TotalRow = { series: string; values_json: string; changed_at: number };
type IsolateRow = { isolate: string; sequence: number; seen_at: number };
type JournalRow = { isolate: string; sequence: number; deltas_json: string; added_at: number };

/** The deltas of a row, without those that cannot be read. */
function readDeltas(json: string): MetricDelta[] {
  const written = readJson(json, z.array(z.unknown())) ?? [];
  const deltas = written.map((delta) => deltaSchema.safeParse(delta).data).filter((delta) => delta !== undefined);
  if (deltas.length < written.length) log.error("metrics_unreadable", { series: written.length - deltas.length });
  return deltas;
}

/** What a row holds; undefined where it cannot be read: what it counted is lost then, and nothing else. */
function readJson<Schema extends z.ZodType>(json: string, schema: Schema): z.output<Schema> | undefined {
  try {
    return schema.parse(JSON.parse(json));
  } catch (error) {
    log.error("metrics_unreadable", { cause: describeError(error) });
    return undefined;
  }
}

function versionOf(series: string): string | undefined {
  return /version="([^"]*)"}$/.exec(series)?.[1];
}
