import type { ServerResponse } from "node:http";

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
  misshapen: afterwards((_, index) => MISSHAPEN[index % MISSHAPEN.length] ?? "null"),
  status_500_after: afterwards(() => '{"message":"internal error"}', 500),
  status_503_after: afterwards(() => '{"message":"try again"}', 503),
  silent: async ({ response, seconds, passOn, wait }) => {
    await passOn();
    await wait(seconds);
    reset(response);
  },
} satisfies Record<string, Fault>;

/** What may become of a request between the worker and its database; `none` is no fault. */
export const faults = { ...unsent, ...sent } as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;

const JSON_HEADERS = { "content-type": "application/json" };

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
