import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { noFault } from "../support/fault-proxy/fault-proxy.ts";
import { type FaultyServer, METRICS_TOKEN, startFaultyServer } from "../support/fault-proxy/faulty-server.ts";
import { readSamples } from "../support/metrics-text.ts";
import { findPostgresql } from "../support/postgresql-cluster.ts";
import { openConnection, type RawConnection } from "../support/raw-connection.ts";
import { Script, says } from "../support/scripted-model.ts";

// Connections that end as those of ordinary phones do: the worker in workerd, reached by sockets.

const PROTOCOL = "2025-11-25";
const descriptionSchema = z.object({
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        requestBody: z.object({ content: z.record(z.string(), z.unknown()) }).optional(),
        security: z.array(z.unknown()).optional(),
      }),
    ),
  ),
});

const sessionSchema = z.object({ token: z.string() });
/** What is counted is handed over within this time. */
const HANDED_OVER_MILLISECONDS = 3_000;
/** How long the database takes while a client goes away. */
const SLOW_SECONDS = 0.7;

let server: FaultyServer;
let token: string;

const bearer = () => ({ Authorization: `Bearer ${token}`, Accept: "application/json, text/event-stream" });
const shortly = () => new Promise((resolve) => setTimeout(resolve, 20));

/** Nothing of what has happened until now is the server's fault. */
async function expectNoFault(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, HANDED_OVER_MILLISECONDS));
  const metrics = await fetch(`${server.url}/metrics`, { headers: { Authorization: `Bearer ${METRICS_TOKEN}` } });
  const samples = readSamples(await metrics.text());
  const failed = samples.filter(
    ({ name, labels, value }) => name === "http_requests_total" && labels.status?.startsWith("5") && value > 0,
  );
  expect(failed).toEqual([]);
  // Requests and turns have a line at every level.
  expect(server.log.filter((line) => !line.includes('"level":"info"'))).toEqual([]);
  expect(await server.sentryEvents()).toEqual([]);
}

interface Route {
  readonly method: string;
  readonly path: string;
  readonly contentType: string;
  readonly wantsToken: boolean;
}

async function routesWithBody(): Promise<Route[]> {
  const { paths } = descriptionSchema.parse(await (await fetch(`${server.url}/openapi.json`)).json());
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { requestBody, security }]) => {
      const [contentType] = Object.keys(requestBody?.content ?? {});
      if (contentType === undefined) return [];
      const wantsToken = security !== undefined && security.length > 0;
      return [{ method: method.toUpperCase(), path: path.replaceAll(/\{\w+\}/g, "c"), contentType, wantsToken }];
    }),
  );
  expect(routes.length).toBeGreaterThanOrEqual(14);
  return routes;
}

describe.skipIf(findPostgresql() === undefined)("a connection", () => {
  beforeAll(async () => {
    server = await startFaultyServer({
      LOG_LEVEL: "warn",
      SLOW_QUERY_MS: "60000",
      TOKEN_SECRET: "the secret of the tests for tokens, 32 characters",
    });
    const response = await fetch(`${server.url}/api/auth/signup`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ email: "phone@example.com", password: "TestPass123" }),
    });
    ({ token } = sessionSchema.parse(await response.json()));
  }, 120_000);

  afterAll(() => server?.close());

  it("without a token is answered before its body has come, on every route that wants one", async () => {
    const routes = (await routesWithBody()).filter(({ wantsToken }) => wantsToken);
    expect(routes.length).toBeGreaterThanOrEqual(12);
    for (const { method, path, contentType } of routes)
      for (const authorization of [{}, { Authorization: "Bearer wrong" }]) {
        const headers = { "Content-Type": contentType, "Transfer-Encoding": "chunked", ...authorization };
        const connection = await openConnection(server.url, { method, path, headers }, "2\r\n{}\r\n");
        await connection.until("HTTP/1.1 401 ");
        connection.socket.destroy();
      }
    await expectNoFault();
  });

  describe("with a body that breaks off", () => {
    const endings = {
      "ends too early": ({ socket }: RawConnection) => socket.end(),
      "has a broken chunk": ({ socket }: RawConnection) => socket.end("ZZ\r\nnope\r\n"),
      "is of a client that closes": ({ socket }: RawConnection) => socket.destroy(),
      "is of a client that resets": ({ socket }: RawConnection) => socket.resetAndDestroy(),
    };
    const framings = [{ "Content-Length": "1000" }, { "Transfer-Encoding": "chunked" }];

    it("is the caller's, on every route that takes one", { timeout: 60_000 }, async () => {
      const routes = await routesWithBody();
      for (const { method, path, contentType } of routes)
        for (const framing of framings)
          for (const [ending, end] of Object.entries(endings)) {
            const headers = { ...bearer(), "Content-Type": contentType, ...framing };
            // Were it not for its length or its last chunk, this would be a whole body.
            const body = "Content-Length" in framing ? "{}" : "2\r\n{}\r\n";
            const connection = await openConnection(server.url, { method, path, headers }, body);
            await shortly();
            end(connection);
            const status = await connection.over();
            // The others have hung up.
            if (/early|chunk/.test(ending)) expect(status, `${method} ${path} ${ending}`).toBe(400);
          }
      await expectNoFault();
    });
  });

  describe("whose client goes away", () => {
    const endings = {
      closes: ({ socket }: RawConnection) => socket.destroy(),
      resets: ({ socket }: RawConnection) => socket.resetAndDestroy(),
    };
    const statelessHeaders = {
      "Mcp-Protocol-Version": "2026-07-28",
      "Mcp-Method": "tools/call",
      "Mcp-Name": "list_tasks",
    };
    const meta = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
      "io.modelcontextprotocol/clientCapabilities": {},
    };
    const call = (params = {}) => ({
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: { name: "list_tasks", arguments: {}, ...params },
    });
    const uiMessage = ({ mark }: Script) => ({
      id: crypto.randomUUID(),
      messages: [{ id: "m", role: "user", parts: [{ type: "text", text: mark }] }],
    });

    function send(method: string, path: string, headers: Record<string, string> = {}, body?: unknown) {
      const text = body === undefined ? "" : JSON.stringify(body);
      const content = { "Content-Type": "application/json", "Content-Length": String(Buffer.byteLength(text)) };
      const head = { method, path, headers: { ...bearer(), ...(body !== undefined && content), ...headers } };
      return openConnection(server.url, head, text);
    }

    async function openSession(): Promise<Record<string, string>> {
      const params = { protocolVersion: PROTOCOL, capabilities: {}, clientInfo: { name: "test", version: "1" } };
      const response = await fetch(`${server.url}/mcp`, {
        method: "POST",
        headers: { ...bearer(), "Content-Type": "application/json" },
        body: JSON.stringify({ jsonrpc: "2.0", id: 0, method: "initialize", params }),
      });
      await response.text();
      return { "Mcp-Session-Id": response.headers.get("Mcp-Session-Id") ?? "", "Mcp-Protocol-Version": PROTOCOL };
    }

    describe.each(Object.entries(endings))("and %s", (_, end) => {
      it("while the database is asked is no fault", { timeout: 60_000 }, async () => {
        const session = await openSession();
        // What only reads is answered by the session's object to who takes nothing else.
        const events = { ...session, Accept: "text/event-stream" };
        const script = await Script.write([says("hello")], { repeats: true });
        const requests = [
          () => send("POST", "/mcp/tools/list_tasks", {}, {}),
          () => send("POST", "/mcp", session, call()),
          () => send("POST", "/mcp", events, call()),
          async () => {
            const connection = await send("POST", "/mcp", events, { ...call(), id: 2 });
            // By now it is answered by a stream.
            await connection.until("retry:");
            return connection;
          },
          () => send("POST", "/mcp", statelessHeaders, call({ _meta: meta })),
          () => send("GET", "/api/auth/me"),
          () => send("GET", "/api/conversations"),
          () => send("DELETE", "/api/chat/c/stream"),
          () => send("POST", "/chat", {}, { message: script.mark }),
          () => send("POST", "/api/chat", {}, uiMessage(script)),
        ];
        for (const request of requests) {
          const asked = server.proxy.journal.length;
          server.proxy.follow(() => ({ fault: "slow", seconds: SLOW_SECONDS }));
          const connection = await request();
          await expect.poll(() => server.proxy.journal.length, { timeout: 5_000 }).toBeGreaterThan(asked);
          server.proxy.follow(noFault);
          end(connection);
          await connection.over();
          await server.proxy.settled();
        }
        // What they asked for was done all the same: their ids are free again.
        for (const id of [1, 2]) {
          const again = await send("POST", "/mcp", events, { ...call(), id });
          expect(await again.over(), again.received()).toBe(200);
        }
        await expectNoFault();
      });

      it("in the middle of a stream is no fault", { timeout: 60_000 }, async () => {
        const requests: ((script: Script) => Promise<RawConnection>)[] = [
          ({ mark }) => send("POST", "/chat", { Accept: "text/event-stream" }, { message: mark }),
          (script) => send("POST", "/api/chat", {}, uiMessage(script)),
          async (script) => {
            const message = uiMessage(script);
            const first = await send("POST", "/api/chat", {}, message);
            await first.until("text-delta");
            end(first);
            return send("GET", `/api/chat/${message.id}/stream`);
          },
        ];
        for (const request of requests) {
          // Between two words.
          const script = await Script.write([{ output: [{ type: "text", text: "one two three" }], holdAfter: 4 }]);
          const connection = await request(script);
          await connection.until("one");
          end(connection);
          await connection.over();
          await shortly();
          await script.release();
        }
        const listening = await send("GET", "/mcp", await openSession());
        await listening.until("retry:");
        end(listening);
        await listening.over();
        await expectNoFault();
      });
    });
  });
});
