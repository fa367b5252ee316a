import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";
import * as z from "zod";

/** A way to call the tool: opened once for each connection, then called many times. */
export interface Lane {
  readonly name: string;
  open(): Promise<() => Promise<void>>;
}

interface LaneSettings {
  readonly url: string;
  readonly token: string;
  /** The task that is read; undefined for a call that is refused before the database is asked. */
  readonly taskId: number | undefined;
}

const PROTOCOL = "2025-11-25";
const JSON_OR_EVENTS = "application/json, text/event-stream";
const STATELESS_PROTOCOL = "2026-07-28";
const clientInfo = { name: "bench", version: "1.0.0" };

const resultSchema = z.object({ tasks: z.tuple([z.object({ id: z.int(), title: z.literal("Buy milk") })]) });
const answerSchema = z.object({
  id: z.int(),
  result: z.object({ structuredContent: resultSchema.optional(), isError: z.literal(true).optional() }),
});
/** An id that no task has, which the tool's schema refuses. */
const REFUSED_ID = 0;

export const BARE = "bare Hono route";
export const PLAIN_HTTP = "plain HTTP";

/** The lanes that are compared; every body of an answer is checked. */
export function openLanes(settings: LaneSettings): Lane[] {
  const arguments_ = argumentsOf(settings);
  return [
    sessionLane("session mode", "/mcp", settings),
    // Who takes no JSON is answered by the session's object, as calls that change something are.
    sessionLane("session's object", "/mcp", settings, "text/event-stream"),
    {
      name: "stateless mode",
      async open() {
        const client = connect(settings);
        let id = 0;
        const meta = {
          "io.modelcontextprotocol/protocolVersion": STATELESS_PROTOCOL,
          "io.modelcontextprotocol/clientInfo": clientInfo,
          "io.modelcontextprotocol/clientCapabilities": {},
        };
        const headers = {
          "Mcp-Protocol-Version": STATELESS_PROTOCOL,
          "Mcp-Method": "tools/call",
          "Mcp-Name": "get_task",
        };
        return async () => {
          id += 1;
          const params = { name: "get_task", arguments: arguments_, _meta: meta };
          const { body } = await client("/mcp", { jsonrpc: "2.0", id, method: "tools/call", params }, headers);
          checkAnswer(id, body, settings);
        };
      },
    },
    sessionLane("McpAgent", "/bench/agent", settings),
    {
      name: PLAIN_HTTP,
      async open() {
        const client = connect(settings);
        return async () => {
          const { body } = await client("/mcp/tools/get_task", arguments_);
          checkTask(resultSchema.parse(JSON.parse(body)), settings);
        };
      },
    },
    {
      name: BARE,
      async open() {
        const client = connect(settings);
        return async () => {
          const { body } = await client("/bench/bare", arguments_);
          checkTask(resultSchema.parse(JSON.parse(body)), settings);
        };
      },
    },
  ];
}

function sessionLane(name: string, path: string, settings: LaneSettings, accept = JSON_OR_EVENTS): Lane {
  return {
    name,
    async open() {
      const client = connect(settings);
      const initialize = { protocolVersion: PROTOCOL, capabilities: {}, clientInfo };
      const opened = await client(path, { jsonrpc: "2.0", id: 0, method: "initialize", params: initialize });
      const headers = {
        "Mcp-Session-Id": z.string().parse(opened.sessionId),
        "Mcp-Protocol-Version": PROTOCOL,
        Accept: accept,
      };
      await client(path, { jsonrpc: "2.0", method: "notifications/initialized" }, headers);
      let id = 0;
      return async () => {
        id += 1;
        const params = { name: "get_task", arguments: argumentsOf(settings) };
        const { body } = await client(path, { jsonrpc: "2.0", id, method: "tools/call", params }, headers);
        checkAnswer(id, body, settings);
      };
    },
  };
}

/** A client with one connection that it keeps. */
function connect({ url, token }: LaneSettings) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return (path: string, body: unknown, headers: Record<string, string> = {}) =>
    new Promise<{ body: string; sessionId: string | undefined }>((resolve, reject) => {
      const json = JSON.stringify(body);
      const sent = request(new URL(path, url).href, {
        agent,
        method: "POST",
        headers: {
          Authorization: `Bearer ${token}`,
          Accept: JSON_OR_EVENTS,
          "Content-Type": "application/json",
          "Content-Length": Buffer.byteLength(json),
          ...headers,
        },
      });
      sent.on("error", reject);
      sent.on("response", (response) => {
        text(response).then((answer) => {
          if (response.statusCode !== undefined && response.statusCode < 300) {
            const sessionId = response.headers["mcp-session-id"];
            resolve({ body: answer, sessionId: typeof sessionId === "string" ? sessionId : undefined });
          } else reject(new Error(`${path} answered ${response.statusCode}: ${answer}`));
        }, reject);
      });
      sent.end(json);
    });
}

function checkAnswer(id: number, body: string, settings: LaneSettings): void {
  const json = body.startsWith("{") ? body : /^data: (\{.*)$/m.exec(body)?.[1];
  const answer = answerSchema.parse(JSON.parse(json ?? "null"));
  if (answer.id !== id) throw new Error(`the answer to ${answer.id} came for ${id}`);
  const { structuredContent, isError } = answer.result;
  if (settings.taskId === undefined) {
    if (isError !== true) throw new Error("a call was not refused");
  } else checkTask(resultSchema.parse(structuredContent), settings);
}

function checkTask({ tasks: [task] }: z.output<typeof resultSchema>, { taskId }: LaneSettings): void {
  if (task.id !== taskId) throw new Error(`task ${task.id} came for ${taskId}`);
}

function argumentsOf({ taskId }: LaneSettings) {
  return { task_id: taskId ?? REFUSED_ID };
}
