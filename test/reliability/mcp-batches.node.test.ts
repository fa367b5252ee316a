import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { crowdCost, oneHash } from "../support/crowd-cost.ts";
import { noFault } from "../support/fault-proxy/fault-proxy.ts";
import { type FaultyServer, startFaultyServer } from "../support/fault-proxy/faulty-server.ts";
import { findPostgresql } from "../support/postgresql-cluster.ts";

const MEBIBYTE = 1024 * 1024;
const LARGEST_GROWTH = 150 * MEBIBYTE;
/** 4 MiB, and the answers that were being made when it was reached. */
const LARGEST_ANSWER = 16 * MEBIBYTE;
const AT_A_TIME = 4;
const SLOW_SECONDS = 3;
/** How much longer than one hash `/health` may take meanwhile, in milliseconds. */
const LONGEST_BEYOND_HASH = 1_000;

const account = { email: "crowd@example.com", password: "TestPass123" };

const answerSchema = z.object({
  id: z.int(),
  result: z.looseObject({ isError: z.boolean().optional() }).optional(),
  error: z.object({ code: z.int(), message: z.string() }).optional(),
});

let server: FaultyServer;
let headers: Record<string, string>;

function post(path: string, body: unknown): Promise<Response> {
  return fetch(`${server.url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
}

/** A tool call of a batch. */
function call(id: number, name: string, input: Record<string, unknown>) {
  return { jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: input } };
}

/** Sends a batch; the length of what it is answered, and the answers in the order of their ids. */
async function sendBatch(batch: readonly unknown[]) {
  const text = await (await post("/mcp", batch)).text();
  const answers = text
    .split("\n")
    .filter((line) => line.startsWith("data: {"))
    .map((line) => answerSchema.parse(JSON.parse(line.slice("data: ".length))));
  return { length: text.length, answers: answers.toSorted((a, b) => a.id - b.id) };
}

describe.skipIf(findPostgresql() === undefined)("a batch of the 2025-03-26 protocol", { timeout: 120_000 }, () => {
  beforeAll(async () => {
    server = await startFaultyServer();
    headers = { "Content-Type": "application/json", Accept: "application/json, text/event-stream" };
    const signedUp = await post("/api/auth/signup", account);
    headers.Authorization = `Bearer ${z.object({ token: z.string() }).parse(await signedUp.json()).token}`;
    const clientInfo = { name: "test", version: "1.0.0" };
    const params = { protocolVersion: "2025-03-26", capabilities: {}, clientInfo };
    const opened = await post("/mcp", { jsonrpc: "2.0", id: 0, method: "initialize", params });
    await opened.text();
    headers["Mcp-Session-Id"] = z.string().parse(opened.headers.get("Mcp-Session-Id"));
    for (let index = 0; index < 100; index += 1) {
      const tags = Array.from({ length: 10 }, (_, tag) => `${tag}-${"t".repeat(45)}`);
      const task = { title: `${index} ${"x".repeat(190)}`, description: "\u0001".repeat(10_000), tags };
      const created = await post("/mcp/tools/create_task", task);
      await created.text();
      expect(created.status).toBe(200);
    }
  }, 300_000);
  afterEach(() => server.proxy.follow(noFault));
  afterAll(async () => {
    await server?.close();
  });

  it("of 100 large answers takes no more memory than a few of them, and says which it has not run", async () => {
    const list = (id: number) => call(id, "get_task", { task_id: id + 1 });
    expect((await sendBatch([list(0)])).answers[0]?.result?.isError).toBeUndefined();
    const hash = await oneHash(() => post("/api/auth/signin", account));
    const { result, growth, longestHealth } = await crowdCost(server, () =>
      sendBatch(Array.from({ length: 100 }, (_, id) => list(id))),
    );
    const { length, answers } = result;

    expect(answers.map(({ id }) => id)).toEqual(Array.from({ length: 100 }, (_, id) => id));
    const run = answers.filter(({ result }) => result !== undefined && result.isError === undefined);
    const refused = answers.filter(({ error }) => error !== undefined);
    expect(run.length).toBeGreaterThanOrEqual(AT_A_TIME);
    expect(refused.length).toBeGreaterThan(0);
    expect(run.length + refused.length).toBe(100);
    for (const { error } of refused) {
      expect(error).toEqual({ code: -32000, message: expect.stringContaining("This request was not run") });
    }
    expect(length).toBeLessThan(LARGEST_ANSWER);
    expect(growth, `${Math.round(growth / MEBIBYTE)} MiB more`).toBeLessThan(LARGEST_GROWTH);
    expect(longestHealth).toBeLessThan(hash + LONGEST_BEYOND_HASH);
  });

  it("asks the database for a few of its requests at a time", async () => {
    const before = server.proxy.journal.length;
    const arrived = () => server.proxy.journal.length - before;
    server.proxy.follow(() => ({ fault: "slow", seconds: SLOW_SECONDS }));
    const batch = Array.from({ length: 2 * AT_A_TIME }, (_, id) => call(id, "list_tasks", { limit: 1 }));
    const answering = sendBatch(batch);
    await expect.poll(arrived, { timeout: 5000, interval: 20 }).toBeGreaterThanOrEqual(AT_A_TIME);
    await new Promise((resolve) => setTimeout(resolve, (SLOW_SECONDS * 1000) / 2));

    expect(arrived()).toBe(AT_A_TIME);
    expect((await answering).answers.map(({ result }) => result?.isError)).toEqual(batch.map(() => undefined));
    expect(arrived()).toBe(batch.length);
  });

  it("runs none of its requests that is cancelled before its turn", async () => {
    server.proxy.follow(() => ({ fault: "slow", seconds: 1 }));
    const reads = Array.from({ length: AT_A_TIME }, (_, id) => call(id, "list_tasks", { limit: 1 }));
    const answering = sendBatch([...reads, call(100, "create_task", { title: "cancelled" })]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const cancelled = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 100 } };
    expect((await post("/mcp", cancelled)).status).toBe(202);

    expect((await answering).answers.map(({ id }) => id)).toEqual(reads.map(({ id }) => id));
    await server.proxy.settled();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { rows } = await server.owner.query("select count(*)::int as count from tasks where title = 'cancelled'");
    expect(rows).toEqual([{ count: 0 }]);
  });
});
