import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { HOST, listenOnLoopback } from "../../../local/loopback-server.ts";
import { type FaultName, faults, type GatewayAnswer } from "./faults.ts";

/** What the worker asks of the database in one request. */
export interface DatabaseRequest {
  /** How many requests came before it. */
  readonly index: number;
  /** The text of each statement. */
  readonly statements: readonly string[];
  /** The parameters of all statements, one after the other. */
  readonly parameters: readonly unknown[];
}

/** What becomes of a request. */
export interface Fate {
  readonly fault: FaultName;
  /** How long a `slow`, `late`, `reset_then_late` or `silent` one takes. */
  readonly seconds?: number;
  /** What a `sqlstate` says. */
  readonly code?: string;
}

/** A request and what was done with it. */
interface JournalEntry extends DatabaseRequest {
  readonly fate: Fate;
  readonly arrivedAt: Date;
  /** When it was sent on to the gateway. */
  passedOnAt?: Date;
  /** What the gateway answered, whatever the worker was told. */
  gatewayStatus?: number;
}

/** Says what becomes of each request. */
export type Choose = (request: DatabaseRequest) => Fate;

/** A proxy between the worker and its SQL over HTTP. */
export interface FaultProxy {
  /** For NEON_FETCH_ENDPOINT. */
  readonly fetchEndpoint: string;
  /** Every request until now, in the order in which they came. */
  readonly journal: readonly JournalEntry[];
  /** Has `choose` decide from now on. */
  follow(choose: Choose): void;
  /** Listens no more, as a server that is not there; `true` listens again. */
  listen(isListening: boolean): Promise<void>;
  /** Waits until every request that was to be passed on late has been. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

const querySchema = z.object({ query: z.string(), params: z.array(z.unknown()).default([]) });
const bodySchema = z.union([
  z.object({ queries: z.array(querySchema) }).transform(({ queries }) => queries),
  querySchema.transform((query) => [query]),
]);

/** No fault at all. */
export const noFault: Choose = () => ({ fault: "none" });

/** Starts a proxy on a free loopback port that passes everything on until it is told otherwise. */
export async function startFaultProxy(gatewayEndpoint: string): Promise<FaultProxy> {
  const journal: JournalEntry[] = [];
  const agent = new Agent({ keepAlive: true });
  const ending = new AbortController();
  const running = new Set<Promise<void>>();
  let choose = noFault;

  const server = createServer((incoming, response) => {
    const done = exchange(incoming, response).catch(() => {
      // The worker has gone, or the gateway has: nobody is left to be told.
      response.destroy();
    });
    running.add(done);
    void done.finally(() => running.delete(done));
  });
  const { port, close } = await listenOnLoopback(server);

  async function exchange(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(incoming);
    const queries = bodySchema.parse(JSON.parse(body.toString("utf8")));
    const asked: DatabaseRequest = {
      index: journal.length,
      statements: queries.map(({ query }) => query),
      parameters: queries.flatMap(({ params }) => params),
    };
    const fate = choose(asked);
    const entry: JournalEntry = { ...asked, fate, arrivedAt: new Date() };
    journal.push(entry);
    // One request each, so that no fault falls upon a connection that another request waits on.
    response.shouldKeepAlive = false;
    await faults[fate.fault]({
      index: asked.index,
      response,
      seconds: fate.seconds ?? 0,
      code: fate.code ?? "",
      async passOn() {
        entry.passedOnAt = new Date();
        const answer = await send(gatewayEndpoint, agent, incoming, body);
        entry.gatewayStatus = answer.status;
        return answer;
      },
      wait: (seconds) => sleep(seconds * 1000, undefined, { signal: ending.signal }),
    });
  }

  return {
    fetchEndpoint: `http://${HOST}:${port}/sql`,
    journal,
    follow(next) {
      choose = next;
    },
    async listen(isListening) {
      if (isListening === server.listening) return;
      if (isListening) await new Promise<void>((resolve) => server.listen(port, HOST, resolve));
      else await close();
    },
    async settled() {
      while (running.size > 0) await Promise.all(running);
    },
    async close() {
      ending.abort();
      await Promise.all(running);
      agent.destroy();
      if (server.listening) await close();
    },
  };
}

/** Sends a request on as it came. */
async function send(
  endpoint: string,
  agent: Agent,
  { method, headers }: IncomingMessage,
  body: Buffer,
): Promise<GatewayAnswer> {
  const { host: _, connection: __, "transfer-encoding": ___, ...kept } = headers;
  const forwarded = request(endpoint, { agent, method, headers: { ...kept, "content-length": body.length } });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    forwarded.once("response", resolve);
    forwarded.once("error", reject);
  });
  forwarded.end(body);
  const answer = await answered;
  return { status: answer.statusCode ?? 502, body: await buffer(answer) };
}
