import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { type Account, newAccount } from "../support/fault-proxy/account.ts";
import { type DatabaseRequest, type Fate, noFault } from "../support/fault-proxy/fault-proxy.ts";
import { type FaultyServer, startFaultyServer } from "../support/fault-proxy/faulty-server.ts";
import { ObedientClient, wait } from "../support/obedient-client.ts";
import { PATIENCE } from "../support/patience.ts";
import { findPostgresql } from "../support/postgresql-cluster.ts";

/** How many seconds a call may take in the database; tests need not wait for as long as people. */
const CALL_SECONDS = 3;
/** By then it is known what has become of it, or that it will not be known. */
const TOLD_SECONDS = CALL_SECONDS * 1.3 + 1;
const CROWD = 198;
/** How long the breaker waits at most until it looks again, and some more. */
const BACK_MILLISECONDS = 8_000;

const titleSchema = z.tuple([z.object({ title: z.string(), version: z.int() })]);

let server: FaultyServer;
let account: Account;
let client: ObedientClient;

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly seconds: number;
}

async function ask(path: string, body?: unknown): Promise<Answer> {
  const begun = performance.now();
  const response = await fetch(`${server.url}${path}`, {
    headers: { Authorization: `Bearer ${account.token}`, "Content-Type": "application/json" },
    ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.text(), seconds: (performance.now() - begun) / 1000 };
}

async function readTask(): Promise<z.output<typeof titleSchema>[0]> {
  const { rows } = await server.owner.query("select title, version from tasks where user_id = $1 and id = 1", [
    account.id,
  ]);
  return titleSchema.parse(rows)[0];
}

const mentions = ({ parameters }: DatabaseRequest, text: string) => parameters.includes(text);

describe.skipIf(findPostgresql() === undefined)("while the database", { timeout: 90_000 }, () => {
  beforeAll(async () => {
    server = await startFaultyServer({ DATABASE_TIMEOUT: String(CALL_SECONDS) });
    account = await newAccount(server);
    client = new ObedientClient(server.url, account.token, "http");
    // The first requests pay for the worker's start.
    await vi.waitUntil(async () => (await ask("/api/auth/me")).status === 200, { timeout: PATIENCE });
    expect((await ask("/mcp/tools/create_task", { title: "First" })).status).toBe(200);
  }, 120_000);
  afterEach(async () => {
    server.proxy.follow(noFault);
    const isBack = async () => (await ask("/api/auth/me")).status;
    await expect.poll(isBack, { timeout: BACK_MILLISECONDS, interval: 200 }).toBe(200);
  });
  afterAll(async () => {
    await server?.close();
  });

  it("hangs, a crowd is answered as soon as that is known, and those who come then at once", async () => {
    server.proxy.follow(() => ({ fault: "silent", seconds: 60 }));
    const crowd = await Promise.all(
      Array.from({ length: CROWD }, (_, index) =>
        index % 2 === 0
          ? ask("/mcp/tools/list_tasks", {})
          : ask("/mcp/tools/update_task", { task_id: 1, title: "Hung" }),
      ),
    );
    // A machine that is busy with so many answers them late, but not one after the other.
    expect(crowd.map(({ status }) => status)).toEqual(crowd.map(() => 503));
    const first = Math.min(...crowd.map(({ seconds }) => seconds));
    const last = Math.max(...crowd.map(({ seconds }) => seconds));
    expect(last).toBeLessThan(Math.max(first, TOLD_SECONDS) * 5);

    // On a busy machine, the last of the crowd may still be on their way.
    const arriving = async () => {
      const arrived = server.proxy.journal.length;
      await wait(0.3);
      return server.proxy.journal.length - arrived;
    };
    await expect.poll(arriving, { timeout: BACK_MILLISECONDS }).toBe(0);

    const before = server.proxy.journal.length;
    const begun = performance.now();
    const answers: Answer[] = [];
    while (performance.now() - begun < 3_000) {
      answers.push(
        await ask("/mcp/tools/list_tasks", {}),
        await ask("/mcp/tools/update_task", { task_id: 1, title: "Hung" }),
      );
    }
    // Now and then one is let through, to see whether the database is back.
    const asked = server.proxy.journal.length - before;
    expect(asked).toBeLessThanOrEqual(8);
    // The others waited for nothing.
    expect(answers.length).toBeGreaterThan(3 * asked);
    for (const { status, body } of answers) {
      expect(status).toBe(503);
      expect(body).toContain("The database cannot be reached");
    }
    expect(answers.filter(({ body }) => body.includes("nothing was changed")).length).toBeGreaterThan(0);
    expect((await ask("/health")).seconds).toBeLessThan(2);
  });

  it("hangs, 200 anonymous callers make few queries", async () => {
    server.proxy.follow(() => ({ fault: "silent", seconds: 60 }));
    const before = server.proxy.journal.length;
    const begun = performance.now();
    const paths = ["/health", "/mcp", "/mcp/tools", "/api/auth/me", "/openapi.json"];
    await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const response = await fetch(`${server.url}${paths[index % paths.length]}`);
        await response.text();
      }),
    );
    expect(server.proxy.journal.length - before).toBeLessThanOrEqual(1 + (performance.now() - begun) / 1000);
  });

  it.each([
    ["every request", Number.POSITIVE_INFINITY, "unknown"],
    ["the first request", 1, "done"],
  ])("gets %s of a write late, that overwrites no newer one", async (_, often, told) => {
    const [older, newer] = [`Older ${crypto.randomUUID()}`, `Newer ${crypto.randomUUID()}`];
    let left = often;
    const late = (): Fate => (left-- > 0 ? { fault: "late", seconds: CALL_SECONDS * 2 } : { fault: "none" });
    server.proxy.follow((request) => (mentions(request, older) ? late() : noFault(request)));
    const { version } = await readTask();

    expect((await client.call("update_task", { task_id: 1, title: older })).answer).toBe(told);
    expect((await client.call("update_task", { task_id: 1, title: newer })).answer).toBe("done");
    const acknowledgedAt = new Date();
    await server.proxy.settled();

    const latest = server.proxy.journal.filter((request) => mentions(request, older) && request.fate.fault === "late");
    expect(latest.some(({ passedOnAt }) => passedOnAt !== undefined && passedOnAt > acknowledgedAt)).toBe(true);
    expect(await readTask()).toEqual({ title: newer, version: version + (told === "done" ? 2 : 1) });
  });

  it("gets a write after its connection broke off, nobody is told before that can no longer happen", async () => {
    const titles = Array.from({ length: 4 }, () => `Broken off ${crypto.randomUUID()}`);
    const delivered = new Set<string>();
    server.proxy.follow((request) => {
      const title = titles.find((candidate) => mentions(request, candidate));
      if (title === undefined) return noFault(request);
      if (delivered.has(title)) return { fault: "reset_before" };
      delivered.add(title);
      return { fault: "reset_then_late", seconds: CALL_SECONDS * 0.9 };
    });
    const copies = async (title: string) =>
      (await server.owner.query("select from tasks where user_id = $1 and title = $2", [account.id, title])).rowCount;
    const told = await Promise.all(
      titles.map(async (title) => {
        const { answer } = await client.call("create_task", { title });
        return { answer, copies: await copies(title) };
      }),
    );
    await server.proxy.settled();

    expect(told.map(({ answer }) => answer)).toEqual(titles.map(() => "unknown"));
    expect(await Promise.all(titles.map(copies))).toEqual(told.map((one) => one.copies));
  });

  it("is not there, what is written is told to be unknown, or not done, and never an error of ours", async () => {
    await server.proxy.listen(false);
    try {
      const told = await client.call("update_task", { task_id: 1, title: "Nobody hears it" });
      expect(["unknown", "nothing changed"]).toContain(told.answer);
      expect((await ask("/health")).status).toBe(503);
    } finally {
      await server.proxy.listen(true);
    }
    await wait(0.1);
    expect((await readTask()).title).not.toBe("Nobody hears it");
    expect(await server.sentryEvents()).toEqual([]);
  });
});
