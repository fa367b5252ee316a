import { neonConfig } from "@neondatabase/serverless";
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

/** What neon reads of a response. */
interface DatabaseResponse {
  readonly ok: boolean;
  readonly status: number;
  text(): Promise<string>;
  json(): Promise<unknown>;
}

/**
 * Has neon's client send its requests by `fetchWhole`.
 *
 * @param timeout how long one request may take, in milliseconds; one that takes longer is repeated where that is safe
 */
export function useWholeAnswers(fetchEndpoint: string | undefined, timeout: number): void {
  if (fetchEndpoint !== undefined) neonConfig.fetchEndpoint = fetchEndpoint;
  neonConfig.fetchFunction = (url: string, init: RequestInit) => fetchWhole(url, init, timeout);
}

/**
 * Fetches the whole answer, and makes sure that it is one.
 *
 * @throws TransportError for none, a late or broken one, and one that is not Postgres' own
 */
async function fetchWhole(url: string, init: RequestInit, timeout: number): Promise<DatabaseResponse> {
  const { status, body } = await fetchText(url, init, timeout);
  // Neon sends Postgres' own errors with 400.
  if (status === 200 || status === 400) {
    const isExpected = isBatch(init.body) ? isBatchAnswer : isResult;
    const answer = readAnswer(body, status === 200 ? isExpected : isError);
    return { ok: status === 200, status, text: async () => body, json: async () => answer };
  }
  throw new TransportError(`HTTP ${status}`, { mayBeDone: !REFUSING_STATUSES.includes(status) });
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

function readAnswer(body: string, isExpected: (answer: unknown) => boolean): unknown {
  try {
    const answer: unknown = JSON.parse(body);
    if (isExpected(answer)) return answer;
  } catch (error) {
    throw new TransportError("an answer that is not JSON", { mayBeDone: true, cause: error });
  }
  throw new TransportError("an answer of another shape", { mayBeDone: true });
}

// By hand and not by a schema, which would go through every value of every row.

/** Whether several queries were sent, by the first key of neon's request. */
function isBatch(body: RequestInit["body"]): boolean {
  return typeof body === "string" && body.startsWith('{"queries":');
}

function isBatchAnswer(answer: unknown): boolean {
  return isObject(answer) && Array.isArray(answer.results) && answer.results.every(isResult);
}

function isError(answer: unknown): boolean {
  return isObject(answer) && typeof answer.message === "string";
}

function isResult(result: unknown): boolean {
  if (!isObject(result)) return false;
  const { fields, rows } = result;
  if (!Array.isArray(fields) || !Array.isArray(rows)) return false;
  return (
    fields.every(
      (field) => isObject(field) && typeof field.name === "string" && typeof field.dataTypeID === "number",
    ) && rows.every((row) => (Array.isArray(row) ? row.length === fields.length : isObject(row)))
  );
}
