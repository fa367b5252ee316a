import { setTimeout as sleep } from "node:timers/promises";
import { APIConnectionError, APIError } from "openai/core/error";
import type { ResponseCreateParamsStreaming } from "openai/resources/responses/responses";
import { ApplicationError } from "../../errors.ts";
import { readEvents, readText } from "./read-response.ts";
import { isOutOfQuota } from "./response-error.ts";
import type { Silence } from "./silence.ts";

// The SDK's client brings every API of OpenAI with it: 100 KiB gzip, for the one request that chat makes, and its reader
// of streams five times what a parser takes. This makes that request as the client does, with the SDK's own errors.

const RETRIES = 4;
const RETRIED_STATUSES = [408, 409, 429];
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 8_000;

/** In characters, of the body of an error. */
const LONGEST_ERROR = 64 * 1024;

/** Where the Responses API is, and the key to it. */
export interface ResponsesServer {
  readonly baseUrl: string;
  readonly apiKey: string;
}

/** How long a request may take. */
export interface RequestTime {
  readonly signal: AbortSignal;
  /** When the signal will be aborted at the latest, as `performance.now` tells it. */
  readonly deadline: number;
  /** Hears all that the server sends; pauses before the next try do not count. */
  readonly silence: Silence;
}

/**
 * Asks for a response: https://platform.openai.com/docs/api-reference/responses/create. After a broken connection, 408,
 * 409, 429 and 5xx it asks again, four times at most, after growing pauses or the one that the server names; never where
 * the account has no quota left.
 *
 * @returns the events as they come, unparsed
 * @throws APIConnectionError when the server cannot be reached, APIError when it refuses, ApplicationError when it wants
 * a longer pause than there is time or answers with something else than events, or whatever the signal was aborted with
 */
export async function requestResponse(
  { baseUrl, apiKey }: ResponsesServer,
  body: ResponseCreateParamsStreaming,
  { signal, deadline, silence }: RequestTime,
): Promise<AsyncIterable<unknown>> {
  const init = {
    method: "POST",
    headers: { Accept: "text/event-stream", Authorization: `Bearer ${apiKey}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal,
  };
  for (let attempt = 0; ; attempt += 1) {
    silence.hear();
    const response = await send(`${baseUrl}/responses`, init, signal);
    if (response instanceof Response && response.ok) return readEvents(response, silence);
    const error = await toError(response, signal);
    silence.end();
    if (attempt === RETRIES || !isRetried(response, error)) throw error;
    const requested = response instanceof Response ? requestedPause(response.headers) : undefined;
    if (requested !== undefined && performance.now() + requested >= deadline) throw tooLongAPause(requested, error);
    await sleep(requested ?? usualPause(attempt), undefined, { signal });
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

function isRetried(response: Response | APIConnectionError, error: APIError): boolean {
  if (response instanceof APIConnectionError) return true;
  if (isOutOfQuota(error)) return false;
  // OpenAI's own header, by which its client goes first of all.
  const wish = response.headers.get("x-should-retry");
  if (wish === "true" || wish === "false") return wish === "true";
  return response.status >= 500 || RETRIED_STATUSES.includes(response.status);
}

function tooLongAPause(milliseconds: number, cause: Error): ApplicationError {
  const seconds = Math.ceil(milliseconds / 1000);
  const wait = seconds <= 120 ? `${seconds} seconds` : `${Math.ceil(seconds / 60).toLocaleString("en-US")} minutes`;
  return new ApplicationError("unavailable", `The model has too much to do: it can be asked again in ${wait}.`, {
    cause,
    retryAfter: seconds,
  });
}

/** How many milliseconds to wait after the nth failure, counted from 0, where the server names no pause. */
function usualPause(failures: number): number {
  // A quarter less at most, so that those who failed together do not come back together.
  return Math.min(FIRST_PAUSE * 2 ** failures, LONGEST_PAUSE) * (1 - Math.random() * 0.25);
}

/** The pause that the server names, in milliseconds; undefined for none, and for what is none. */
function requestedPause(headers: Headers): number | undefined {
  const inMilliseconds = headers.get("retry-after-ms");
  const after = headers.get("retry-after");
  const named = [
    inMilliseconds === null ? Number.NaN : Number(inMilliseconds),
    after === null ? Number.NaN : Number(after) * 1000,
    after === null ? Number.NaN : Date.parse(after) - Date.now(),
  ];
  return named.find((pause) => Number.isFinite(pause) && pause >= 0);
}

async function toError(response: Response | APIConnectionError, signal: AbortSignal): Promise<APIError> {
  if (response instanceof APIConnectionError) return response;
  const { status, headers } = response;
  const body = await readText(response, LONGEST_ERROR).catch(() => {
    // What the status says counts also where the rest breaks off.
    signal.throwIfAborted();
    return "";
  });
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
