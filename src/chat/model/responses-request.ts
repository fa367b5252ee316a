import { setTimeout as sleep } from "node:timers/promises";
import { APIConnectionError, APIError } from "openai/core/error";
import { Stream } from "openai/core/streaming";
import type { ResponseCreateParamsStreaming } from "openai/resources/responses/responses";

// The SDK's client brings every API of OpenAI with it: 100 KiB gzip, for the one request that chat makes. This makes
// that request as the client does, with the SDK's own errors and reader of streams.

const RETRIES = 4;
const RETRIED_STATUSES = [408, 409, 429];
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 8_000;
/** A server that asks for a longer pause gets the usual one. */
const LONGEST_REQUESTED_PAUSE = 60_000;

/** Where the Responses API is, and the key to it. */
export interface ResponsesServer {
  readonly baseUrl: string;
  readonly apiKey: string;
}

/**
 * Asks for a response: https://platform.openai.com/docs/api-reference/responses/create. After a broken connection, 408,
 * 409, 429 and 5xx it asks again, four times at most, after growing pauses or the one that the server names.
 *
 * @returns the events as they come, unparsed
 * @throws APIConnectionError when the server cannot be reached, APIError when it refuses, or whatever the signal was
 * aborted with
 */
export async function requestResponse(
  { baseUrl, apiKey }: ResponsesServer,
  body: ResponseCreateParamsStreaming,
  signal: AbortSignal,
): Promise<AsyncIterable<unknown>> {
  const controller = new AbortController();
  const init = {
    method: "POST",
    headers: { Accept: "text/event-stream", Authorization: `Bearer ${apiKey}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.any([signal, controller.signal]),
  };
  for (let attempt = 0; ; attempt += 1) {
    const response = await send(`${baseUrl}/responses`, init, signal);
    if (response instanceof Response && response.ok) return Stream.fromSSEResponse(response, controller);
    if (attempt === RETRIES || !isRetried(response)) throw await toError(response);
    if (response instanceof Response) await response.body?.cancel();
    await sleep(pauseAfter(response, attempt), undefined, { signal });
  }
}

async function send(url: string, init: RequestInit, signal: AbortSignal): Promise<Response | APIConnectionError> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    signal.throwIfAborted();
    return new APIConnectionError({ message: undefined, ...(cause instanceof Error && { cause }) });
  }
}

function isRetried(response: Response | APIConnectionError): boolean {
  if (response instanceof APIConnectionError) return true;
  // OpenAI's own header, by which its client goes first of all.
  const wish = response.headers.get("x-should-retry");
  if (wish === "true" || wish === "false") return wish === "true";
  return response.status >= 500 || RETRIED_STATUSES.includes(response.status);
}

/** How many milliseconds to wait after the nth failure, counted from 0. */
function pauseAfter(response: Response | APIConnectionError, failures: number): number {
  const requested = response instanceof Response ? requestedPause(response.headers) : undefined;
  if (requested !== undefined && requested >= 0 && requested <= LONGEST_REQUESTED_PAUSE) return requested;
  // A quarter less at most, so that those who failed together do not come back together.
  return Math.min(FIRST_PAUSE * 2 ** failures, LONGEST_PAUSE) * (1 - Math.random() * 0.25);
}

function requestedPause(headers: Headers): number | undefined {
  const milliseconds = headers.get("retry-after-ms");
  if (milliseconds !== null) return Number(milliseconds);
  const after = headers.get("retry-after");
  if (after === null) return undefined;
  return Number.isNaN(Number(after)) ? Date.parse(after) - Date.now() : Number(after) * 1000;
}

async function toError(response: Response | APIConnectionError): Promise<APIError> {
  if (response instanceof APIConnectionError) return response;
  const { status, headers } = response;
  const body = await response.text();
  return APIError.generate(status, parseObject(body), body, headers);
}

/** @returns undefined for what is no JSON object */
function parseObject(body: string): object | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
