import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type pg from "pg";
import { z } from "zod";
import { describeConnectionError } from "../ops/database/connection.ts";
import { listenOnLoopback } from "./loopback-server.ts";
import { readSqlRequest, runSqlRequest, SqlRequestError } from "./sql-request.ts";

/** Neon's SQL over HTTP, spoken on this machine. */
export interface Gateway {
  /** What the client needs as its connection string; random for each start, and nothing else is let in. */
  readonly connectionString: string;
  /** What the client needs as its fetch endpoint. */
  readonly fetchEndpoint: string;
  /** Stops listening and drops every connection to it; the pool stays open. */
  close(): Promise<void>;
}

const text = z.string().optional();
const postgresErrorSchema = z.object({
  message: z.string(),
  code: z.string().length(5),
  // FATAL is said while logging in, or when the server ends the connection: Neon answers neither with a code.
  severity: z.literal("ERROR"),
  detail: text,
  hint: text,
  position: text,
  internalPosition: text,
  internalQuery: text,
  where: text,
  schema: text,
  table: text,
  column: text,
  dataType: text,
  constraint: text,
  file: text,
  line: text,
  routine: text,
});

const BODY_LIMIT_BYTES = 16 * 1024 * 1024;

/** Starts a gateway to a pool of `openRawPool` on a free loopback port. */
export async function startGateway(pool: pg.Pool): Promise<Gateway> {
  const connectionString = `postgresql://task_worker:${randomBytes(24).toString("hex")}@gateway.invalid/tasks`;
  const server = createServer((request, response) => {
    answer(pool, connectionString, request, response).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      if (response.headersSent) response.destroy();
      else send(response, 500, { message: `the gateway failed: ${reason}` });
    });
  });
  const { url, close } = await listenOnLoopback(server);
  return {
    connectionString,
    fetchEndpoint: `${url}/sql`,
    close,
  };
}

async function answer(
  pool: pg.Pool,
  connectionString: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== "POST" || request.url !== "/sql") return send(response, 404, { message: "not found" });
  if (!isAllowed(request.headers["neon-connection-string"], connectionString)) {
    return send(response, 401, { message: "the connection string is not this gateway's" });
  }
  const body = await readBody(request);
  if (body === undefined) return send(response, 413, { message: "the request is too large" });
  try {
    const sqlRequest = readSqlRequest(body, request.headers);
    send(response, 200, await runSqlRequest(pool, sqlRequest));
  } catch (error) {
    if (error instanceof SqlRequestError) send(response, 400, { message: error.message });
    else {
      const postgresError = readPostgresError(error);
      if (postgresError) send(response, 400, postgresError);
      else send(response, 503, { message: `cannot reach the database: ${describeConnectionError(error)}` });
    }
  }
}

/** The client appends parameters of its own to the connection string. */
function isAllowed(header: string | string[] | undefined, connectionString: string): boolean {
  const presented = typeof header === "string" ? (header.split("?")[0] ?? "") : "";
  return timingSafeEqual(sha256(presented), sha256(connectionString));
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** Postgres' own error, whose fields the client looks for; undefined for every other failure. */
function readPostgresError(error: unknown): z.output<typeof postgresErrorSchema> | undefined {
  return postgresErrorSchema.safeParse(error).data;
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = z.instanceof(Buffer).parse(chunk);
    size += bytes.length;
    if (size > BODY_LIMIT_BYTES) return undefined;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const json = JSON.stringify(body);
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(json) };
  response.writeHead(status, headers).end(json);
}
