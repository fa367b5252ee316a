import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";

/** A request to be sent, and what the server must count for it. */
export interface PlannedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly status: number;
  /** The route's pattern. */
  readonly route: string;
  /** The tool that is called. */
  readonly tool?: string;
}

/** How a tool call ended, by the status of the answer; over MCP the answer is 200 and says so itself. */
const toolStatuses: Readonly<Record<number, string>> = {
  200: "success",
  400: "invalid_input",
  404: "not_found",
  500: "internal",
  503: "unavailable",
};

/** Sends requests and keeps count of them as the server's metrics should. */
export class RequestLedger {
  readonly #url: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  readonly #requests = new Map<string, number>();
  readonly #tools = new Map<string, number>();
  readonly #surprises: string[] = [];

  constructor(url: string) {
    this.#url = url;
  }

  /** How many requests there were, by `method route status`. */
  get requests(): ReadonlyMap<string, number> {
    return this.#requests;
  }

  /** How many tool calls there were, by `tool status`. */
  get tools(): ReadonlyMap<string, number> {
    return this.#tools;
  }

  /** What was not answered as planned; it is counted as it was answered, as the server must count it. */
  get surprises(): readonly string[] {
    return this.#surprises;
  }

  /** Sends a request and reads its answer. */
  async send({ method, path, headers, body, status, route, tool }: PlannedRequest): Promise<string> {
    const answer = await this.#exchange(method, path, headers, body);
    add(this.#requests, `${method} ${route} ${answer.status}`);
    const isToolError = answer.body.includes('"isError":true');
    if (answer.status !== status || isToolError)
      this.#surprises.push(`${method} ${path}: ${answer.status} ${answer.body}`);
    if (tool !== undefined) {
      // Bad input ends a call before the database is asked about its token; where that fails then, the answer is 503.
      const ended = status === 400 && answer.status === 503 ? status : answer.status;
      add(this.#tools, `${tool} ${isToolError ? "unavailable" : toolStatuses[ended]}`);
    }
    return answer.body;
  }

  /** Sends requests, so many at once. */
  async sendAll(planned: readonly PlannedRequest[], concurrency: number): Promise<void> {
    const waiting = planned.values();
    const sendNext = async () => {
      for (const next of waiting) await this.send(next);
    };
    await Promise.all(Array.from({ length: concurrency }, sendNext));
  }

  /** Ends all connections. */
  close(): void {
    this.#agent.destroy();
  }

  #exchange(
    method: string,
    path: string,
    headers: PlannedRequest["headers"],
    body: unknown,
  ): Promise<{ status: number; body: string }> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const sending = request(
        new URL(path, this.#url).href,
        {
          method,
          agent: this.#agent,
          headers: {
            ...(payload !== undefined && {
              "Content-Type": "application/json",
              "Content-Length": Buffer.byteLength(payload),
            }),
            ...headers,
          },
        },
        (response) => {
          text(response).then((read) => resolve({ status: response.statusCode ?? 0, body: read }), reject);
        },
      );
      sending.on("error", reject);
      sending.end(payload);
    });
  }
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
