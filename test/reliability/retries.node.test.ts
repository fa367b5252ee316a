import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { type Account, newAccount } from "../support/fault-proxy/account.ts";
import { type Choose, noFault } from "../support/fault-proxy/fault-proxy.ts";
import { type FaultyServer, startFaultyServer } from "../support/fault-proxy/faulty-server.ts";
import { findPostgresql } from "../support/postgresql-cluster.ts";

// RETRIED_CREATES=1000 makes more tasks: RETRIED_CREATES=1000 npx vitest run test/reliability/retries.node.test.ts
const { RETRIED_CREATES: CREATES } = z
  .object({ RETRIED_CREATES: z.coerce.number().int().default(250) })
  .parse(process.env);

const CONNECTIONS = 20;
const MOST_TIMES = 5;
/** Every how many requests that create a task lose their answer, after the commit. */
const LOST_EVERY = 10;
const LOST = ["reset_after", "cut", "empty", "truncated", "status_503_after"] as const;

const answerSchema = z.object({
  tasks: z.tuple([z.object({ id: z.int(), title: z.string() })]),
  change: z.int(),
  replayed: z.boolean().default(false),
});
const keptSchema = z.array(z.object({ id: z.int(), title: z.string() }));

let server: FaultyServer;

/** One time that a create is sent. */
interface Sending {
  readonly title: string;
  /** The caller's, in the input or in the header; none where it is undefined. */
  readonly key?: { readonly at: "input" | "header"; readonly value: string };
}

async function create({ token }: Account, { title, key }: Sending) {
  const response = await fetch(`${server.url}/mcp/tools/create_task`, {
    method: "POST",
    headers: {
      Authorization: `Bearer ${token}`,
      "Content-Type": "application/json",
      ...(key?.at === "header" && { "Idempotency-Key": key.value }),
    },
    body: JSON.stringify({ title, ...(key?.at === "input" && { idempotency_key: key.value }) }),
  });
  const text = await response.text();
  expect(response.status, text).toBe(200);
  const { tasks, change, replayed } = answerSchema.parse(JSON.parse(text));
  return { title, id: tasks[0].id, told: tasks[0].title, change, replayed };
}

/** Sends them in their order, as many at a time as there are connections. */
async function sendAll(account: Account, sendings: readonly Sending[]) {
  const waiting = sendings.values();
  const answers: Awaited<ReturnType<typeof create>>[] = [];
  const sendSome = async () => {
    for (const sending of waiting) answers.push(await create(account, sending));
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, sendSome));
  return answers;
}

async function tasksOf({ id }: Account) {
  return keptSchema.parse(
    (await server.owner.query("select id, title from tasks where user_id = $1 order by id", [id])).rows,
  );
}

describe.skipIf(findPostgresql() === undefined)(`${CREATES} creates from ${CONNECTIONS} connections`, () => {
  beforeAll(async () => {
    // Nobody's rate limits are in the way, and a call may take longer: all are one person's, and so wait for each other.
    server = await startFaultyServer({ DATABASE_TIMEOUT: "60" });
  });
  afterAll(() => server?.close());

  it(`make so many tasks, each sent 1 to ${MOST_TIMES} times at once with one key`, { timeout: 600_000 }, async () => {
    const account = await newAccount(server);
    const titles = Array.from({ length: CREATES }, (_, index) => `Task ${index}`);
    const sendings = titles.flatMap((title, index) => {
      const value = crypto.randomUUID();
      return Array.from({ length: 1 + (index % MOST_TIMES) }, (_, time) => ({
        title,
        key: { at: time % 2 === 0 ? "input" : "header", value } as const,
      }));
    });
    const answers = await sendAll(account, sendings);

    const kept = await tasksOf(account);
    expect(kept.map(({ title }) => title).sort()).toEqual(titles.toSorted());
    const idsByTitle = new Map(kept.map(({ title, id }) => [title, id]));
    for (const { title, told, id, change } of answers) {
      expect({ told, id }).toEqual({ told: title, id: idsByTitle.get(title) });
      // All answers of a create name the change of the one that made it.
      expect(change).toBe(answers.find((other) => other.title === title && !other.replayed)?.change);
    }
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(CREATES);
  });

  it("make so many tasks, where one answer in ten is lost after the commit and no key is given", {
    timeout: 600_000,
  }, async () => {
    const account = await newAccount(server);
    let creates = 0;
    let lost = 0;
    const loseSome: Choose = (request) => {
      if (!request.statements.some((statement) => statement.startsWith('insert into "tasks"'))) return noFault(request);
      creates += 1;
      if (creates % LOST_EVERY !== 0) return noFault(request);
      lost += 1;
      return { fault: LOST[lost % LOST.length] ?? "reset_after" };
    };
    server.proxy.follow(loseSome);
    const titles = Array.from({ length: CREATES }, (_, index) => `Task ${index}`);
    const answers = await sendAll(
      account,
      titles.map((title) => ({ title })),
    );
    server.proxy.follow(noFault);

    expect(lost).toBeGreaterThanOrEqual(Math.floor(CREATES / LOST_EVERY));
    expect((await tasksOf(account)).map(({ title }) => title).sort()).toEqual(titles.toSorted());
    expect(answers.map(({ told }) => told).sort()).toEqual(titles.toSorted());
    // Whoever sent it once is not told that it was a repeat.
    expect(new Set(answers.map(({ id }) => id)).size).toBe(CREATES);
  });
});
