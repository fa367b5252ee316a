import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import { z } from "zod";
import type { McpSession } from "../../src/durable-objects.ts";
import { holdRows } from "./owner.ts";
import { newAddress, type Person, send } from "./person.ts";

const answerSchema = z.looseObject({
  jsonrpc: z.literal("2.0"),
  id: z.union([z.string(), z.number(), z.null()]),
  result: z.looseObject({}).optional(),
  error: z.looseObject({ code: z.int(), message: z.string() }).optional(),
});

/** A JSON-RPC answer. */
export type Answer = z.output<typeof answerSchema>;

/** A server-sent event. */
export interface StreamEvent {
  readonly id: string | undefined;
  readonly data: string;
  readonly retry: string | undefined;
}

export const ACCEPT = "application/json, text/event-stream";

/** Of a client that takes no JSON: the session's object answers it, also what only reads. */
export const EVENTS = { Accept: "text/event-stream" };

/** The protocols with sessions. */
export const PROTOCOLS = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

/** The newest of them. */
export const PROTOCOL = "2025-11-25";

/** The params of an initialize request. */
export function initializeParams(protocolVersion = PROTOCOL) {
  return { protocolVersion, capabilities: {}, clientInfo: { name: "test", version: "1.0.0" } };
}

export const PING = { jsonrpc: "2.0", id: 1, method: "ping" };

/** A request that calls a tool. */
export function callBody(id: number | string, name: string, input: Record<string, unknown>) {
  return { jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: input } };
}

/** Splits what was read of an event stream into its events; comments are left out. */
export function eventsOf(text: string): StreamEvent[] {
  return text
    .split("\n\n")
    .filter((block) => block !== "" && !block.startsWith(":"))
    .map((block) => {
      const fields = new Map(
        block.split("\n").map((line) => [line.split(": ", 1).join(""), line.replace(/^\w+: ?/, "")]),
      );
      return { id: fields.get("id"), data: fields.get("data") ?? "", retry: fields.get("retry") };
    });
}

/** Reads a stream up to its first event, and drops the connection. */
export async function firstEventOf(response: Response): Promise<StreamEvent> {
  const reader = response.body?.getReader();
  if (reader === undefined) throw new Error("no stream");
  let text = "";
  while (!text.includes("\n\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error("the stream ended before its first event");
    text += new TextDecoder().decode(z.instanceof(Uint8Array).parse(value));
  }
  await reader.cancel();
  const [event] = eventsOf(text);
  if (event === undefined) throw new Error("no event");
  return event;
}

/** The JSON-RPC answers in a response, whether it is JSON or an event stream. */
export async function answersOf(response: Response): Promise<Answer[]> {
  const text = await response.text();
  const isStream = response.headers.get("Content-Type")?.startsWith("text/event-stream") ?? false;
  const messages = isStream ? eventsOf(text).flatMap(({ data }) => (data === "" ? [] : [data])) : [text];
  return messages.map((message) => answerSchema.parse(JSON.parse(message)));
}

/** The only JSON-RPC answer in a response. */
export async function answerOf(response: Response): Promise<Answer> {
  const answers = await answersOf(response);
  expect(answers).toHaveLength(1);
  return z.tuple([answerSchema]).parse(answers)[0];
}

/** A session of one of the 2025 protocols, spoken by hand. */
export class ClientSession {
  readonly person: Person;
  readonly id: string;
  readonly initialized: Answer;
  readonly protocolVersion: string;
  readonly #address = newAddress();
  #lastRequest = 0;

  private constructor(person: Person, id: string, initialized: Answer, protocolVersion: string) {
    this.person = person;
    this.id = id;
    this.initialized = initialized;
    this.protocolVersion = protocolVersion;
  }

  static async open(person: Person, protocolVersion = PROTOCOL): Promise<ClientSession> {
    const response = await person.send("/mcp", {
      method: "POST",
      headers: { Accept: ACCEPT },
      body: { jsonrpc: "2.0", id: "open", method: "initialize", params: initializeParams(protocolVersion) },
    });
    expect(response.status).toBe(200);
    const id = z.string().parse(response.headers.get("Mcp-Session-Id"));
    const session = new ClientSession(person, id, await answerOf(response), protocolVersion);
    expect((await session.post({ jsonrpc: "2.0", method: "notifications/initialized" })).status).toBe(202);
    return session;
  }

  /** The session's Durable Object. */
  get object(): DurableObjectStub<McpSession> {
    return env.MCP_SESSIONS.get(env.MCP_SESSIONS.idFromString(this.id.split(".", 1).join("")));
  }

  /** The headers of a request of this session, from whomever it is. */
  headers(person = this.person): Record<string, string> {
    return {
      ...person.authorization,
      Accept: ACCEPT,
      "Mcp-Session-Id": this.id,
      "Mcp-Protocol-Version": this.protocolVersion,
      "CF-Connecting-IP": this.#address,
    };
  }

  /** Sends a message, or a batch, whatever it may be. */
  post(body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return send("/mcp", { method: "POST", body, headers: { ...this.headers(), ...headers } });
  }

  /** Opens the stream of a GET. */
  get(headers: Record<string, string> = {}): Promise<Response> {
    return send("/mcp", { headers: { ...this.headers(), ...headers } });
  }

  delete(headers: Record<string, string> = {}): Promise<Response> {
    return send("/mcp", { method: "DELETE", headers: { ...this.headers(), ...headers } });
  }

  /** Sends a request and reads its answer. */
  async request(method: string, params: Record<string, unknown> = {}, headers = {}): Promise<Answer> {
    this.#lastRequest += 1;
    const response = await this.post({ jsonrpc: "2.0", id: this.#lastRequest, method, params }, headers);
    expect(response.status).toBe(200);
    return answerOf(response);
  }

  /** Calls a tool. */
  call(name: string, input: Record<string, unknown> = {}, headers = {}): Promise<Answer> {
    return this.request("tools/call", { name, arguments: input }, headers);
  }
}

/** Reads a stream of events as they come. */
export class EventReader {
  readonly #reader: ReadableStreamDefaultReader<unknown>;
  #text = "";

  constructor(response: Response) {
    const reader = response.body?.getReader();
    if (reader === undefined) throw new Error("no stream");
    this.#reader = reader;
  }

  /** Opens the server's own stream of a session. */
  static async open(session: ClientSession, lastEventId?: string): Promise<EventReader> {
    const response = await session.get(lastEventId === undefined ? {} : { "Last-Event-ID": lastEventId });
    expect(response.status).toBe(200);
    return new EventReader(response);
  }

  /** The next events that have data, so many of them. */
  async read(count: number): Promise<StreamEvent[]> {
    const events: StreamEvent[] = [];
    while (events.length < count) {
      const end = this.#text.indexOf("\n\n");
      if (end === -1) await this.#readMore();
      else {
        events.push(...eventsOf(this.#text.slice(0, end)).filter(({ data }) => data !== ""));
        this.#text = this.#text.slice(end + 2);
      }
    }
    return events;
  }

  /** All events that are still to come, once the stream has ended. */
  async rest(): Promise<StreamEvent[]> {
    while (await this.#isMore());
    return eventsOf(this.#text);
  }

  /** Drops the connection. */
  cancel(): Promise<void> {
    return this.#reader.cancel();
  }

  async #readMore(): Promise<void> {
    if (!(await this.#isMore())) throw new Error("the stream has ended");
  }

  async #isMore(): Promise<boolean> {
    const { value, done } = await this.#reader.read();
    if (done) return false;
    this.#text += new TextDecoder().decode(z.instanceof(Uint8Array).parse(value));
    return true;
  }
}

/** A request of the 2026-07-28 protocol. */
export function statelessRequest(
  person: Person,
  method: string,
  { _meta: furtherMeta, ...params }: Record<string, unknown> & { readonly _meta?: Record<string, unknown> } = {},
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Response> {
  return person.send("/mcp", {
    method: "POST",
    ...(signal !== undefined && { signal }),
    headers: {
      Accept: ACCEPT,
      "Mcp-Protocol-Version": "2026-07-28",
      "Mcp-Method": method,
      ...(typeof params.name === "string" && { "Mcp-Name": params.name }),
      ...headers,
    },
    body: {
      jsonrpc: "2.0",
      id: 1,
      method,
      params: {
        ...params,
        _meta: {
          "io.modelcontextprotocol/protocolVersion": "2026-07-28",
          "io.modelcontextprotocol/clientInfo": { name: "test", version: "1.0.0" },
          "io.modelcontextprotocol/clientCapabilities": {},
          ...furtherMeta,
        },
      },
    },
  });
}

/** Locks a task, so that a call that changes it stays in flight for a second; `released` resolves when it is free again. */
export async function holdTask(person: Person, id: number | undefined): Promise<{ released: Promise<unknown> }> {
  return holdRows(`tasks where user_id = ${person.id} and id = ${Number(id)} for update`);
}

/** Everything that can be tried with the id of a session: the status of each answer. */
export async function tryAll(session: ClientSession, headers: Record<string, string>): Promise<number[]> {
  const responses = [
    await session.post(PING, headers),
    await session.post(callBody(2, "create_task", { title: "whose?" }), headers),
    await session.post(callBody(3, "list_tasks", {}), headers),
    await session.post({ jsonrpc: "2.0", method: "notifications/initialized" }, headers),
    await session.get(headers),
    await session.get({ ...headers, "Last-Event-ID": "_GET_stream:0" }),
    await session.delete(headers),
  ];
  for (const { body } of responses) await body?.cancel();
  return responses.map(({ status }) => status);
}

/** What a session's object has in its storage. */
export function storedIn(session: ClientSession): Promise<{ tables: number; entries: number; alarm: number | null }> {
  return runInDurableObject(session.object, async (_, { storage }) => ({
    tables: storage.sql.exec("select * from sqlite_master where name not like '\\_cf\\_%' escape '\\'").toArray()
      .length,
    entries: [...storage.kv.list()].length,
    alarm: await storage.getAlarm(),
  }));
}
