import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Account, newAccount, post } from "../support/fault-proxy/account.ts";
import { type FaultyServer, startFaultyServer } from "../support/fault-proxy/faulty-server.ts";
import { findPostgresql } from "../support/postgresql-cluster.ts";

/** How long a word almost matches at every letter of these texts. */
const TEXTS = 500;
const LETTERS = 10_000;
const AT_ONCE = 8;

const TOO_LONG =
  "This took too long and was stopped; nothing was changed. " +
  "Ask for less: fewer or shorter words to search for, or a filter beside them.";

let server: FaultyServer;
let hostile: Account;
let neighbour: Account;

interface Answer {
  readonly status: number;
  readonly detail: unknown;
  readonly seconds: number;
}

async function list(account: Account, input: unknown): Promise<Answer> {
  const begun = performance.now();
  const response = await post(server, "POST", "/mcp/tools/list_tasks", input, account);
  const answer: unknown = await response.json();
  const detail = typeof answer === "object" && answer !== null && "detail" in answer ? answer.detail : undefined;
  return { status: response.status, detail, seconds: (performance.now() - begun) / 1000 };
}

/** Searches eight times at once, and has a neighbour list their tasks again and again meanwhile. */
async function beside(search: string): Promise<{ searches: readonly Answer[]; neighbours: readonly Answer[] }> {
  const neighbours: Answer[] = [];
  let isOver = false;
  const searching = Promise.all(Array.from({ length: AT_ONCE }, () => list(hostile, { search }))).finally(() => {
    isOver = true;
  });
  do {
    neighbours.push(await list(neighbour, {}));
  } while (!isOver);
  return { searches: await searching, neighbours };
}

describe.skipIf(findPostgresql() === undefined)("a search that costs as much as it can", { timeout: 120_000 }, () => {
  beforeAll(async () => {
    server = await startFaultyServer();
    [hostile, neighbour] = await Promise.all([newAccount(server), newAccount(server)]);
    await server.owner.query(
      "insert into tasks (user_id, title, description) select $1, 'a', repeat('a', $2) from generate_series(1, $3)",
      [hostile.id, LETTERS, TEXTS],
    );
    // The first request pays for the worker's start.
    expect((await list(neighbour, {})).status).toBe(200);
  }, 120_000);
  afterAll(async () => {
    await server?.close();
  });

  it.each([
    ["ends otherwise", `${"a".repeat(199)}b`],
    ["begins otherwise", `b${"a".repeat(199)}`],
  ])("by a word that %s is answered in its time, and so is everybody else", async (_, search) => {
    const { searches, neighbours } = await beside(search);

    // Each is found to be nowhere, or told to ask for less.
    expect(searches.filter(({ status, detail }) => status !== 200 && detail !== TOO_LONG)).toEqual([]);
    expect(neighbours.filter(({ status }) => status !== 200)).toEqual([]);
    expect(Math.max(...searches.map(({ seconds }) => seconds))).toBeLessThan(5);
    expect((await list(neighbour, {})).status).toBe(200);
  });

  it("is stopped when its time is over, once, is told what to do, and is nobody else's failure", async () => {
    // As long as any search may look, whatever machine this is.
    await server.owner.query(
      `alter function search_text(text) rename to search_text_at_once;
       create function search_text(value text) returns text language sql volatile
         as $$ select public.search_text_at_once(value) from pg_sleep(3) $$`,
    );
    const before = server.proxy.journal.length;
    try {
      const { searches, neighbours } = await beside("slow");

      expect(searches.map(({ status, detail }) => [status, detail])).toEqual(searches.map(() => [400, TOO_LONG]));
      expect(Math.max(...searches.map(({ seconds }) => seconds))).toBeLessThan(3);
      expect(neighbours.filter(({ status }) => status !== 200)).toEqual([]);
      const sent = server.proxy.journal.slice(before).filter(({ parameters }) => parameters.includes("slow"));
      expect(sent).toHaveLength(AT_ONCE);
      expect(server.log.filter((line) => !line.includes('"level":"info"'))).toEqual([]);
      expect(await server.sentryEvents()).toEqual([]);
    } finally {
      await server.owner.query(
        "drop function search_text(text); alter function search_text_at_once(text) rename to search_text",
      );
    }
  });

  it("that is held up by a lock is not told to ask for less", async () => {
    const holder = await server.owner.connect();
    await holder.query("begin; lock table tasks in access exclusive mode");
    const held = list(neighbour, { search: "held" });
    try {
      const { status, detail } = await held;
      expect([status, detail]).toEqual([503, "The database cannot be reached; try again in a moment."]);
    } finally {
      await holder.query("rollback");
      holder.release();
    }
  });
});
