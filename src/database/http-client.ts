import types from "pg-types";
import { type RawResult, type SqlBody, type SqlEndpoint, type SqlQuery, sendSql } from "./sql-over-http.ts";

// What drizzle's driver for Neon needs of a client. Neon's own comes in one piece with all that it takes to speak to Postgres
// by TCP: 50 KiB gzip, which a worker reads at each start and never runs.

/** What Postgres has said of a request that it did not carry out. */
export class PostgresError extends Error {
  override readonly name = "PostgresError";
  /** SQLSTATE; undefined where a proxy before Postgres answers. */
  code: string | undefined;
  detail: string | undefined;
  constraint: string | undefined;
}

/** The answer to a query, as drizzle reads it. */
interface QueryResult {
  readonly fields: RawResult["fields"];
  readonly rowCount: number | null;
  readonly rows: readonly unknown[];
}

interface QueryOptions {
  /** Whether rows come as arrays, in the order of the fields, and not as objects. */
  readonly arrayMode?: boolean;
}

/** What drizzle's driver for Neon calls. */
export interface HttpClient {
  query(text: string, parameters: readonly unknown[], options?: QueryOptions): PendingQuery;
  transaction(queries: readonly PendingQuery[]): Promise<QueryResult[]>;
}

/**
 * Opens a client; nothing is sent yet.
 *
 * What it throws is a TransportError for a request without an answer of Postgres', or a PostgresError.
 */
export function openHttpClient(endpoint: SqlEndpoint): HttpClient {
  return {
    query: (text, parameters, { arrayMode = false } = {}) => new PendingQuery(text, parameters, arrayMode, endpoint),
    async transaction(queries) {
      const results = await send({ queries: queries.map(({ sent }) => sent) }, endpoint);
      return queries.map((query, index) => query.read(results[index]));
    },
  };
}

/** A query that is sent once it is waited for, by itself; or with others, by `transaction`. */
class PendingQuery implements PromiseLike<QueryResult> {
  /** As it goes over the line. */
  readonly sent: SqlQuery;
  readonly #isInArrayMode: boolean;
  readonly #endpoint: SqlEndpoint;

  constructor(text: string, parameters: readonly unknown[], isInArrayMode: boolean, endpoint: SqlEndpoint) {
    this.sent = { query: text, params: parameters.map(encode) };
    this.#isInArrayMode = isInArrayMode;
    this.#endpoint = endpoint;
  }

  // biome-ignore lint/suspicious/noThenProperty: drizzle waits for it, or hands it to `transaction` unsent.
  then<Fulfilled = QueryResult, Rejected = never>(
    onFulfilled?: ((result: QueryResult) => Fulfilled | PromiseLike<Fulfilled>) | null,
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): PromiseLike<Fulfilled | Rejected> {
    const answer = send(this.sent, this.#endpoint);
    return answer.then(([result]) => this.read(result)).then(onFulfilled, onRejected);
  }

  /** Makes values of Postgres' text. */
  read(result: RawResult | undefined): QueryResult {
    if (result === undefined) throw new Error("a query has no result");
    const { fields, rowCount = null } = result;
    const parsers = fields.map(({ dataTypeID }) => parserOf(dataTypeID));
    const rows = result.rows.map((row) => row.map((value, index) => (value === null ? null : parsers[index]?.(value))));
    if (this.#isInArrayMode) return { fields, rowCount, rows };
    const named = rows.map((row) => Object.fromEntries(fields.map(({ name }, index) => [name, row[index]])));
    return { fields, rowCount, rows: named };
  }
}

async function send(body: SqlBody, endpoint: SqlEndpoint): Promise<readonly RawResult[]> {
  const answer = await sendSql(body, endpoint);
  if ("results" in answer) return answer.results;
  const { message, code, detail, constraint } = answer.error;
  throw Object.assign(new PostgresError(message), { code, detail, constraint });
}

/** Writes a parameter as Postgres reads it; drizzle has made text of what a column keeps. */
function encode(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (value instanceof Date) return value.toISOString();
  throw new TypeError("a parameter must be text, a number, a boolean, a moment or null");
}

/** Dates and moments, and lists of them or of numerics: drizzle makes of their text what a column's mode asks for. */
const LEFT_AS_TEXT = new Set([1082, 1114, 1184, 1186, 1115, 1182, 1185, 1187, 1231]);

function parserOf(type: number): (value: string) => unknown {
  return LEFT_AS_TEXT.has(type) ? (value) => value : types.getTypeParser(type, "text");
}
