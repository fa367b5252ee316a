import { runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { holdTask } from "../support/mcp.ts";
import { newAddress, ORIGIN, Person } from "../support/person.ts";

/** A GET of the client's, and what it was answered. */
interface Listening {
  readonly lastEventId: string | null;
  readonly status: number;
}

const OWN_STREAM: Listening = { lastEventId: null, status: 200 };
const BEGINNING = expect.stringMatching(/^[\w-]{36}:0:/);
const LATER = expect.stringMatching(/^[\w-]{36}:\d+$/);

/** The client of @modelcontextprotocol/sdk 1.x, in a session. */
class ConnectedClient {
  readonly person: Person;
  readonly gets: Listening[] = [];
  readonly #client = new Client({ name: "test", version: "1.0.0" });
  readonly #transport: StreamableHTTPClientTransport;
  #afterFirstEvent: (() => Promise<unknown>) | undefined;

  private constructor(person: Person) {
    this.person = person;
    this.#transport = new StreamableHTTPClientTransport(new URL("/mcp", ORIGIN), {
      requestInit: { headers: { ...person.authorization, "CF-Connecting-IP": newAddress() } },
      fetch: (url, init) => this.#fetch(new Request(url, init)),
    });
  }

  static async connect(): Promise<ConnectedClient> {
    const connected = new ConnectedClient(await Person.signUp());
    await connected.#client.connect(connected.#transport);
    onTestFinished(() => connected.#client.close());
    await expect.poll(() => connected.gets.length).toBe(1);
    return connected;
  }

  call(
    name: string,
    input: Record<string, unknown> = {},
    options: { signal?: AbortSignal; onprogress?: () => void } = {},
  ) {
    return this.#client.callTool({ name, arguments: input }, undefined, options);
  }

  /** Loses the connection of the next call after its first event, and does something before the client knows. */
  breakNext(meanwhile: () => Promise<unknown> = async () => undefined): void {
    this.#afterFirstEvent = meanwhile;
  }

  /** Has the session's object lose the answers it keeps. */
  async forgetAnswers(): Promise<void> {
    const id = z.string().parse(this.#transport.sessionId).split(".", 1).join("");
    await runInDurableObject(env.MCP_SESSIONS.get(env.MCP_SESSIONS.idFromString(id)), (_, { storage }) => {
      for (const [key] of [...storage.kv.list({ prefix: "event/" })]) storage.kv.delete(key);
    });
  }

  async #fetch(request: Request): Promise<Response> {
    const { method, headers } = request;
    const response = await exports.default.fetch(request);
    if (method === "GET") this.gets.push({ lastEventId: headers.get("Last-Event-ID"), status: response.status });
    const meanwhile = this.#afterFirstEvent;
    if (method !== "POST" || meanwhile === undefined) return response;
    this.#afterFirstEvent = undefined;
    return brokenOff(response, meanwhile);
  }
}

async function brokenOff(response: Response, meanwhile: () => Promise<unknown>): Promise<Response> {
  const reader = response.body?.getReader();
  const { value } = z.object({ value: z.instanceof(Uint8Array) }).parse(await reader?.read());
  await reader?.cancel();
  await meanwhile();
  const [first = ""] = new TextDecoder().decode(value).split(/(?<=\n\n)/);
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode(first)),
    pull: (controller) => controller.error(new Error("connection reset")),
  });
  return new Response(body, response);
}

/** Waits for as long as a client that polls once a second would need to be found out. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 5000));
}

describe("a client of the SDK's first version", () => {
  it("asks for nothing more after errors of the protocol", async () => {
    const client = await ConnectedClient.connect();
    for (const name of ["one", "two", "three"]) {
      await expect(client.call(name)).rejects.toThrow(`Unknown tool: ${name}`);
      // Who wants progress is answered by the session's object.
      const ofObject = client.call(name, {}, { onprogress: () => undefined });
      await expect(ofObject).rejects.toThrow(`Unknown tool: ${name}`);
    }
    await settled();

    expect(client.gets).toEqual([OWN_STREAM]);
    expect(await client.call("list_tasks")).toMatchObject({ structuredContent: { tasks: [] } });
  });

  it("has the answer to a call whose connection broke, and asks once for it", async () => {
    const client = await ConnectedClient.connect();
    client.breakNext();

    expect(await client.call("create_task", { title: "once" })).toMatchObject({
      structuredContent: { tasks: [{ title: "once" }] },
    });
    await settled();
    expect(client.gets).toEqual([OWN_STREAM, { lastEventId: BEGINNING, status: 200 }]);
    expect(await client.call("list_tasks")).toMatchObject({ structuredContent: { tasks: [{ title: "once" }] } });
  });

  it("has the answer to a call that was still running, on the new connection", async () => {
    const client = await ConnectedClient.connect();
    const { tasks } = await client.person.run("create_task", { title: "held" });
    const { released: holding } = await holdTask(client.person, tasks[0]?.id);
    client.breakNext();

    expect(await client.call("update_task", { task_id: tasks[0]?.id, title: "changed" })).toMatchObject({
      structuredContent: { tasks: [{ title: "changed" }] },
    });
    await holding;
    await settled();
    expect(client.gets).toEqual([OWN_STREAM, { lastEventId: BEGINNING, status: 200 }]);
  });

  it("is told of an answer that was lost, and asks for nothing more", async () => {
    const client = await ConnectedClient.connect();
    client.breakNext(() => client.forgetAnswers());

    await expect(client.call("create_task", { title: "lost" })).rejects.toThrow(/look before you repeat it/);
    await settled();
    expect(client.gets).toEqual([
      OWN_STREAM,
      { lastEventId: BEGINNING, status: 200 },
      { lastEventId: LATER, status: 204 },
    ]);
  });

  it("asks for nothing more after a call that it cancelled", async () => {
    const client = await ConnectedClient.connect();
    const { tasks } = await client.person.run("create_task", { title: "held" });
    const { released: holding } = await holdTask(client.person, tasks[0]?.id);
    const cancelling = new AbortController();
    const call = client.call("update_task", { task_id: tasks[0]?.id, title: "changed" }, { signal: cancelling.signal });
    setTimeout(() => cancelling.abort("no more"), 500);

    await expect(call).rejects.toThrow("no more");
    await holding;
    await settled();
    expect(client.gets).toEqual([
      OWN_STREAM,
      { lastEventId: BEGINNING, status: 200 },
      { lastEventId: LATER, status: 204 },
    ]);
  });
});
