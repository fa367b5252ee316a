import { isObject } from "../json.ts";

/** Answers by which Neon's proxy says that it has passed nothing on. */
const REFUSING_STATUSES: readonly number[] = [401, 403, 404, 405, 413, 429];

/** A request to the database that has no answer of Postgres. */
export class TransportError extends Error {
  override readonly name = "TransportError";
  /** Whether Postgres may have carried it out. */
  readonly mayBeDone: boolean;

  /** @param message quotes nothing of what was sent or has come back */
  constructor(message: string, { mayBeDone, cause }: { readonly mayBeDone: boolean; readonly cause?: unknown }) {
    super(message, { cause });
    this.mayBeDone = mayBeDone;
  }
}

/** What Postgres has answered: the results of what it was sent, or the error that it ended in. */
export type Answer = { readonly results: readonly RawResult[] } | { readonly error: RawError };

/** The answer to one query, every value as Postgres' own text. */
export interface RawResult {
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[];
  readonly rows: readonly (readonly (string | null)[])[];
  readonly rowCount?: number | null;
}

/** https://www.postgresql.org/docs/current/protocol-error-fields.html */
interface RawError {
  readonly message: string;
  readonly code?: string;
  readonly detail?: string;
  readonly constraint?: string;
}

/** One query, or several, as they go over the line. */
export type SqlBody = SqlQuery | { readonly queries: readonly SqlQuery[] };

export interface SqlQuery {
  readonly query: string;
  readonly params: readonly (string | null)[];
}

/** Where SQL over HTTP goes, and for how long it is waited for. */
export interface SqlEndpoint {
  readonly url: string;
  readonly connectionString: string;
  /** How long one request may take, in milliseconds; one that takes longer is repeated where that is safe. */
  readonly timeout: number;
}

/** Where Neon's proxy takes SQL over HTTP for the host of a connection string. */
export function neonUrl(connectionString: string): string {
  const { hostname } = new URL(connectionString);
  return `https://${hostname.replace(/^[^.]+\./, "api.")}/sql`;
}

/**
 * Sends one query, or several to be carried out as one transaction, and takes the whole answer: a result for each.
 *
 * @throws TransportError for none, a late or broken one, and one that is not Postgres' own
 */
export async function sendSql(body: SqlBody, { url, connectionString, timeout }: SqlEndpoint): Promise<Answer> {
  const headers = {
    "Content-Type": "application/json",
    "Neon-Connection-String": connectionString,
    "Neon-Raw-Text-Output": "true",
    "Neon-Array-Mode": "true",
  };
  const answer = await fetchText(url, { method: "POST", headers, body: JSON.stringify(body) }, timeout);
  // Neon sends Postgres' own errors with 400.
  if (answer.status === 400) return { error: readAnswer(answer.body, isError) };
  if (answer.status === 200 && "queries" in body) {
    return readAnswer(answer.body, (batch) => isBatchAnswer(batch, body.queries.length));
  }
  if (answer.status === 200) return { results: [readAnswer(answer.body, isResult)] };
  throw new TransportError(`HTTP ${answer.status}`, { mayBeDone: !REFUSING_STATUSES.includes(answer.status) });
}

/** The timer ends with the answer: `AbortSignal.timeout` runs on, and keeps a Durable Object awake. */
async function fetchText(url: string, init: RequestInit, timeout: number): Promise<{ status: number; body: string }> {
  const controller = new AbortController();
  const timer = setTimeout(
    () => controller.abort(new DOMException("the database did not answer in time", "TimeoutError")),
    timeout,
  );
  try {
    const response = await fetch(url, { ...init, signal: controller.signal });
    return { status: response.status, body: await response.text() };
  } catch (error) {
    throw new TransportError("no answer", { mayBeDone: true, cause: error });
  } finally {
    clearTimeout(timer);
  }
}

function readAnswer<Expected>(body: string, isExpected: (answer: unknown) => answer is Expected): Expected {
  try {
    const answer: unknown = JSON.parse(body);
    if (isExpected(answer)) return answer;
  } catch (error) {
    throw new TransportError("an answer that is not JSON", { mayBeDone: true, cause: error });
  }
  throw new TransportError("an answer of another shape", { mayBeDone: true });
}

// By hand and not by a schema, which would go through every value of every row.

function isBatchAnswer(answer: unknown, queries: number): answer is { results: RawResult[] } {
  if (!isObject(answer) || !Array.isArray(answer.results)) return false;
  return answer.results.length === queries && answer.results.every(isResult);
}

function isError(answer: unknown): answer is RawError {
  return isObject(answer) && typeof answer.message === "string";
}

function isResult(result: unknown): result is RawResult {
  if (!isObject(result)) return false;
  const { fields, rows } = result;
  if (!Array.isArray(fields) || !Array.isArray(rows)) return false;
  return (
    fields.every(
      (field) => isObject(field) && typeof field.name === "string" && typeof field.dataTypeID === "number",
    ) && rows.every((row) => Array.isArray(row) && row.length === fields.length)
  );
}
