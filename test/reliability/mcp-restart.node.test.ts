import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { z } from "zod";
import { type DataDirectory, openDataDirectory } from "../../local/data-directory.ts";
import { bundleWorker } from "../../local/worker-bundle.ts";
import { type RunningWorker, runWorker } from "../../local/worker-runtime.ts";
import { issueToken } from "../../src/auth/token.ts";
import { freePort } from "../support/processes.ts";

const JWT_SECRET = "the secret of the tests, 32 characters and more";
const PROTOCOL = "2025-11-25";
const peopleSchema = z.tuple([z.object({ id: z.int() })]);
const { pglite, postgresql = pglite } = inject("databases");

let data: DataDirectory;
let bundle: string;
let port: number;
let url: string;
let worker: RunningWorker | undefined;

beforeAll(async () => {
  data = await openDataDirectory(await mkdtemp(join(tmpdir(), "tasks-restart-")));
  bundle = await bundleWorker(data.workerBundle);
  port = await freePort();
  url = `http://127.0.0.1:${port}`;
});

afterAll(async () => {
  await worker?.close();
  data?.release();
  await rm(data.path, { recursive: true, force: true });
});

/** Starts workerd over the same storage; whatever it had in memory is gone. */
async function restart(bindings: Record<string, string> = {}): Promise<void> {
  await worker?.close();
  const { connectionString: DATABASE_URL, fetchEndpoint: NEON_FETCH_ENDPOINT } = postgresql;
  const settings = { DATABASE_URL, NEON_FETCH_ENDPOINT, JWT_SECRET, BASE_URL: url, LOG_LEVEL: "error", ...bindings };
  worker = await runWorker(bundle, port, settings, data);
  await worker.ready;
}

/** The token of somebody new, whose password nobody hashes. */
async function newToken(): Promise<string> {
  const sql = "insert into users (email, name, password_hash) values ($1, 'Ada', 'no hash') returning id";
  const response = await fetch(postgresql.owner.url, {
    method: "POST",
    headers: { authorization: `Bearer ${postgresql.owner.token}` },
    body: JSON.stringify({ sql, params: [`${crypto.randomUUID()}@example.com`] }),
  });
  const [{ id }] = peopleSchema.parse(await response.json());
  const { token } = await issueToken(id, 3600, { secret: JWT_SECRET, issuer: url });
  return token;
}

function send(token: string, method: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/mcp`, {
    method,
    headers: {
      Authorization: `Bearer ${token}`,
      Accept: "application/json, text/event-stream",
      "Content-Type": "application/json",
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

async function openSession(token: string): Promise<{ id: string; answer: string }> {
  const params = { protocolVersion: PROTOCOL, capabilities: {}, clientInfo: { name: "test", version: "1.0.0" } };
  const response = await send(token, "POST", { jsonrpc: "2.0", id: 0, method: "initialize", params });
  expect(response.status).toBe(200);
  return { id: response.headers.get("Mcp-Session-Id") ?? "", answer: await response.text() };
}

function request(id: number, method: string, params: Record<string, unknown> = {}) {
  return { jsonrpc: "2.0", id, method, params };
}

const SCRIPT: { method: string; body?: unknown; headers?: (previous: string) => Record<string, string> }[] = [
  { method: "POST", body: { jsonrpc: "2.0", method: "notifications/initialized" } },
  { method: "POST", body: request(1, "tools/list") },
  { method: "POST", body: request(2, "tools/call", { name: "create_task", arguments: { title: "Buy milk" } }) },
  // The answer to the call before, once more.
  { method: "GET", headers: (previous) => ({ "Last-Event-ID": /^id: (.+)$/m.exec(previous)?.[1] ?? "" }) },
  { method: "POST", body: request(3, "tools/call", { name: "list_tasks", arguments: {}, _meta: {} }) },
  { method: "POST", body: request(4, "nothing/here") },
  { method: "DELETE" },
  { method: "POST", body: request(5, "ping") },
];

/** Plays a session, starting the server anew before one of its messages; what differs by nature is left out. */
async function play(restartBefore: number | undefined): Promise<string[]> {
  const token = await newToken();
  const { id, answer } = await openSession(token);
  const texts = [answer];
  for (const [position, { method, body, headers }] of SCRIPT.entries()) {
    if (position === restartBefore) await restart();
    const session = { "Mcp-Session-Id": id, "Mcp-Protocol-Version": PROTOCOL, ...headers?.(texts.at(-1) ?? "") };
    const response = await send(token, method, body, session);
    texts.push(`${response.status}\n${await response.text()}`);
  }
  return texts.map((text) =>
    text
      .replaceAll(/^id: .+$/gm, "id: <event>")
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-][\d:]+)/g, "<time>")
      .replaceAll(/"id":\d+,"title"|#\d+/g, "<task>"),
  );
}

describe("a restart of the server between any two messages", () => {
  it("makes no difference to the client, at every position", async () => {
    await restart();
    const undisturbed = await play(undefined);

    expect(undisturbed.map((text) => text.slice(0, 3))).toEqual([
      "id:",
      "202",
      ...Array.from({ length: 5 }, () => "200"),
      "204",
      "404",
    ]);
    expect(undisturbed[4]).toContain("Buy milk");
    for (const position of SCRIPT.keys()) expect(await play(position), `before ${position}`).toEqual(undisturbed);
  });
});

/** 1,000 take a minute and more to open: `ABANDONED_SESSIONS=1000` for those. */
const ABANDONED = z.coerce.number().int().positive().max(1000).default(200).parse(process.env.ABANDONED_SESSIONS);

describe(`${ABANDONED} abandoned sessions`, () => {
  it("hold no storage once SESSION_IDLE_HOURS are over", async () => {
    // A person may have 50.
    const tokens: string[] = [];
    while (tokens.length < Math.ceil(ABANDONED / 50)) tokens.push(await newToken());
    // 36 seconds, after a restart that the first of the sessions live through.
    await restart({ SESSION_IDLE_HOURS: "0.01" });
    const before = await sessionFiles();
    const opened: Promise<{ id: string }>[] = [];
    for (let index = 0; index < ABANDONED; index += 1) {
      opened.push(openSession(tokens[index % tokens.length] ?? ""));
      if (index % 20 === 19) await Promise.all(opened);
    }
    await Promise.all(opened);
    const added = (await sessionFiles()).filter((file) => !before.includes(file));
    // Of one that is over by now the file may be gone.
    expect(added.length).toBeGreaterThan(0.9 * ABANDONED);
    expect(added.length).toBeLessThanOrEqual(ABANDONED);
    expect(added.filter(holdsAnything).length).toBeGreaterThan(0);

    await expect.poll(() => added.filter(holdsAnything).length, { timeout: 120_000, interval: 1000 }).toBe(0);
    const [token = ""] = tokens;
    const { id } = await (opened[0] ?? Promise.reject(new Error("none")));
    expect((await send(token, "POST", request(1, "ping"), { "Mcp-Session-Id": id })).status).toBe(404);
  });
});

/** The databases of the session objects, as workerd keeps them. */
async function sessionFiles(): Promise<string[]> {
  const files = await readdir(data.workerStorage, { recursive: true });
  return files
    .filter((file) => /McpSession\/[\da-f]{64}\.sqlite$/.test(file))
    .map((file) => join(data.workerStorage, file));
}

/** Whether an object has a value, an alarm or a table of its own in its storage. */
function holdsAnything(file: string): boolean {
  const database = new DatabaseSync(file, { readOnly: true, timeout: 1000, open: false });
  try {
    database.open();
    const tables = database.prepare("select name from sqlite_master where type = 'table'").all();
    return tables.some(({ name }) => {
      const { count } = database.prepare(`select count(*) as count from "${String(name)}"`).get() ?? {};
      return count !== 0 && !(name === "_cf_METADATA" || name === "sqlite_sequence");
    });
  } catch (error) {
    // The file of an object that holds nothing may be removed at any time; a later look finds it gone.
    if (error instanceof Error && error.message.includes("unable to open")) return existsSync(file);
    throw error;
  } finally {
    if (database.isOpen) database.close();
  }
}
