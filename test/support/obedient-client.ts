import { z } from "zod";

/** What a client was told of a call. */
export type Told =
  | { readonly answer: "done"; readonly tasks: readonly ToldTask[]; readonly replayed: boolean }
  /** Nothing was changed, and the same call may pass after so many seconds. */
  | { readonly answer: "nothing changed"; readonly retryAfter: number }
  /** It may have been carried out; `retryAfter` is there where it may be repeated, by its key. */
  | { readonly answer: "unknown"; readonly retryAfter: number | undefined }
  | { readonly answer: "refused"; readonly status: number; readonly text: string };

/** How a client speaks to the server. */
export type Interface = "http" | "session" | "stateless";

/** A list has no descriptions. */
const taskSchema = z.object({
  id: z.int(),
  title: z.string(),
  description: z.string().optional(),
  status: z.string(),
});
type ToldTask = z.output<typeof taskSchema>;

const outputSchema = z.object({ tasks: z.array(taskSchema), replayed: z.literal(true).optional() });
const problemSchema = z.object({ detail: z.string() });
const resultSchema = z.object({
  result: z.object({
    isError: z.boolean().optional(),
    content: z.array(z.object({ text: z.string() })),
    structuredContent: z.unknown().optional(),
  }),
});

/** How long to wait where a text says no more than "in a moment", in seconds. */
const MOMENT = 1;

/** A client of one person that reads what it is told, and nothing into it. */
export class ObedientClient {
  readonly #url: string;
  readonly #token: string;
  readonly interface: Interface;
  #sessionId: string | undefined;
  #lastRequest = 0;

  constructor(url: string, token: string, how: Interface) {
    this.#url = url;
    this.#token = token;
    this.interface = how;
  }

  /** Opens a session where the interface has sessions. */
  async open(): Promise<this> {
    if (this.interface !== "session") return this;
    const clientInfo = { name: "obedient", version: "1.0.0" };
    const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo };
    const response = await this.#mcp("initialize", params);
    await response.text();
    this.#sessionId = response.headers.get("Mcp-Session-Id") ?? undefined;
    if (this.#sessionId === undefined) throw new Error(`no session was opened: ${response.status}`);
    return this;
  }

  /**
   * Calls a tool once.
   *
   * @param header a key that goes in the Idempotency-Key header, by plain HTTP
   */
  async call(tool: string, input: Record<string, unknown>, header?: string): Promise<Told> {
    if (this.interface === "http") {
      const response = await this.#post(
        `/mcp/tools/${tool}`,
        input,
        header === undefined ? {} : { "Idempotency-Key": header },
      );
      return response.ok ? done(await response.json()) : readProblem(response);
    }
    const response = await this.#mcp("tools/call", { name: tool, arguments: input });
    if (!response.ok) return readProblem(response);
    const { result } = resultSchema.parse(JSON.parse(messageOf(await response.text())));
    if (result.isError !== true) return done(result.structuredContent);
    const text = result.content.map((part) => part.text).join("\n");
    return (
      readFailure(text, /try again|repeat the call/i.test(text) ? MOMENT : undefined) ?? {
        answer: "refused",
        status: 200,
        text,
      }
    );
  }

  /** Reads, as often as it is told that it may be tried again. */
  async read(tool: "get_task" | "list_tasks", input: Record<string, unknown>): Promise<Told> {
    for (;;) {
      const response = await this.#post(`/mcp/tools/${tool}`, input);
      const told = response.ok ? done(await response.json()) : await readProblem(response);
      if (told.answer !== "nothing changed") return told;
      await wait(told.retryAfter);
    }
  }

  #mcp(method: string, params: Record<string, unknown>): Promise<Response> {
    this.#lastRequest += 1;
    const isStateless = this.interface === "stateless";
    const meta = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientInfo": { name: "obedient", version: "1.0.0" },
      "io.modelcontextprotocol/clientCapabilities": {},
    };
    return this.#post(
      "/mcp",
      { jsonrpc: "2.0", id: this.#lastRequest, method, params: isStateless ? { ...params, _meta: meta } : params },
      {
        Accept: "application/json, text/event-stream",
        ...(this.#sessionId !== undefined && { "Mcp-Session-Id": this.#sessionId }),
        ...(isStateless && {
          "Mcp-Protocol-Version": "2026-07-28",
          "Mcp-Method": method,
          "Mcp-Name": String(params.name),
        }),
      },
    );
  }

  #post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.#url}${path}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${this.#token}`, "Content-Type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  }
}

/** Lets as many seconds pass. */
export function wait(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

/** What an answer over HTTP that is no success tells. */
export async function readProblem(response: Response): Promise<Told> {
  const text = await response.text();
  const { status } = response;
  const isNotNow = status === 503 || status === 429;
  const told = isNotNow ? readFailure(problemSchema.parse(JSON.parse(text)).detail, retryAfterOf(response)) : undefined;
  return told ?? { answer: "refused", status, text };
}

/** @param retryAfter the seconds after which the call may be repeated, where it may */
function readFailure(text: string, retryAfter: number | undefined): Told | undefined {
  if (/may have been carried out/i.test(text)) return { answer: "unknown", retryAfter };
  // Retry-After is there where repeating is safe.
  return retryAfter === undefined ? undefined : { answer: "nothing changed", retryAfter };
}

function retryAfterOf({ headers }: Response): number | undefined {
  const value = headers.get("Retry-After");
  return value === null ? undefined : Number(value);
}

function done(output: unknown): Told {
  const { tasks, replayed } = outputSchema.parse(output);
  return { answer: "done", tasks, replayed: replayed === true };
}

/** The JSON-RPC message in a body, which is JSON or an event stream. */
function messageOf(body: string): string {
  return /^data: (\{.*)$/m.exec(body)?.[1] ?? body;
}
