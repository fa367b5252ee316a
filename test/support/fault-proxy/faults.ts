import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { z } from "zod";

/** What the gateway answered. */
export interface GatewayAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/** A request that has arrived at the proxy, and what can be done with it. */
interface Exchange {
  /** How many requests came before it. */
  readonly index: number;
  readonly response: ServerResponse;
  /** How long a fault that takes time takes, in seconds. */
  readonly seconds: number;
  /** The SQLSTATE of a `sqlstate` fault. */
  readonly code: string;
  /** Sends it on to the gateway, whether the worker still waits or not. */
  passOn(): Promise<GatewayAnswer>;
  /** Lets time pass; less where the proxy is closed before. */
  wait(seconds: number): Promise<void>;
}

type Fault = (exchange: Exchange) => Promise<void>;

/** JSON that no database answers with. */
const MISSHAPEN = [
  "null",
  "[]",
  "{}",
  '"ok"',
  '{"results":[]}',
  '{"results":{}}',
  '{"rows":[[1]]}',
  '{"results":[{}]}',
];
const GARBAGE = "<html><body>\u0000 Welcome to the hotel's network \u0001</body></html>";

/** Faults after which the request has not reached the database. */
const unsent = {
  reset_before: async ({ response }) => reset(response),
  /** Postgres itself says so, and has done nothing. */
  sqlstate: async ({ response, code }) => {
    const body = Buffer.from(JSON.stringify({ message: "not now", code, severity: "ERROR" }));
    reply(response, { status: 400, body });
  },
  status_404_before: refuse(404),
  status_429_before: refuse(429),
  status_500_before: refuse(500),
  status_502_before: refuse(502),
  status_503_before: refuse(503),
} satisfies Record<string, Fault>;

/** Faults with which the request reaches the database, at once or late. */
const sent = {
  none: async ({ response, passOn }) => reply(response, await passOn()),
  slow: async ({ response, seconds, passOn, wait }) => {
    const answer = await passOn();
    await wait(seconds);
    reply(response, answer);
  },
  late: async ({ response, seconds, passOn, wait }) => {
    await wait(seconds);
    reply(response, await passOn());
  },
  /** The connection breaks off, and something on the way still delivers the request. */
  reset_then_late: async ({ response, seconds, passOn, wait }) => {
    reset(response);
    await wait(seconds);
    await passOn();
  },
  reset_after: async ({ response, passOn }) => {
    await passOn();
    reset(response);
  },
  cut: async ({ response, passOn }) => {
    const { status, body } = await passOn();
    response.writeHead(status, { ...JSON_HEADERS, "content-length": body.length });
    response.write(body.subarray(0, Math.ceil(body.length / 2)), () => reset(response));
  },
  empty: afterwards(() => ""),
  garbage: afterwards(() => GARBAGE),
  truncated: afterwards(({ body }) => body.subarray(0, Math.ceil(body.length / 2))),
  short: afterwards(({ body }) => JSON.stringify({ results: resultsOf(body).slice(0, -1) })),
  misshapen: afterwards((_, index) => MISSHAPEN[index % MISSHAPEN.length] ?? "null"),
  status_500_after: afterwards(() => '{"message":"internal error"}', 500),
  status_503_after: afterwards(() => '{"message":"try again"}', 503),
  silent: async ({ response, seconds, passOn, wait }) => {
    const gone = once(response, "close");
    await passOn();
    await Promise.race([wait(seconds), gone]);
    reset(response);
  },
} satisfies Record<string, Fault>;

/** What may become of a request between the worker and its database; `none` is no fault. */
export const faults = { ...unsent, ...sent } as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;

const JSON_HEADERS = { "content-type": "application/json" };

/** The results of several queries; none of one. */
function resultsOf(body: Buffer): readonly unknown[] {
  return z.object({ results: z.array(z.unknown()).default([]) }).parse(JSON.parse(body.toString("utf8"))).results;
}

function refuse(status: number): Fault {
  const body = Buffer.from('{"message":"not now"}');
  return async ({ response }) => reply(response, { status, body });
}

/** Has the database do it, and answers something else. */
function afterwards(body: (answer: GatewayAnswer, index: number) => string | Buffer, status = 200): Fault {
  return async ({ response, index, passOn }) => {
    const answer = await passOn();
    reply(response, { status, body: Buffer.from(body(answer, index)) });
  };
}

function reply(response: ServerResponse, { status, body }: GatewayAnswer): void {
  response.writeHead(status, { ...JSON_HEADERS, "content-length": body.length }).end(body);
}

/** Breaks the connection off with a TCP reset. */
function reset({ socket }: ServerResponse): void {
  socket?.resetAndDestroy();
}
