import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { carryOut, type WriteReport } from "../support/fault-proxy/carry-out.ts";
import { type Choose, noFault } from "../support/fault-proxy/fault-proxy.ts";
import { type FaultyServer, startFaultyServer } from "../support/fault-proxy/faulty-server.ts";
import { planWrites } from "../support/fault-proxy/planned-writes.ts";
import { seededFaults } from "../support/fault-proxy/seeded-faults.ts";
import { wait } from "../support/obedient-client.ts";
import { findPostgresql } from "../support/postgresql-cluster.ts";

// FAULT_WRITES=3000 makes more writes, FAULT_SEED=… other faults:
// FAULT_WRITES=3000 FAULT_SEED=7 npx vitest run test/reliability/database-faults.node.test.ts
const { FAULT_WRITES: WRITES, FAULT_SEED: SEED } = z
  .object({ FAULT_WRITES: z.coerce.number().int().default(600), FAULT_SEED: z.coerce.number().int().default(20_261) })
  .parse(process.env);

const AT_ONCE = 24;
/** DATABASE_TIMEOUT's default, in seconds: the less time a call has, the more of them end unknown. */
const CALL_SECONDS = 10;
const SHARE_OF_FAULTS = 0.1;
const SHARE_OF_UNKNOWNS = 0.005;
/** Longer than the server tries to learn what has become of a write. */
const OUTAGE_SECONDS = CALL_SECONDS * 1.6;
const WRITES_AROUND_OUTAGE = 200;

let server: FaultyServer;

/** The counts of everything that happened, as the lines of a table. */
async function tableOf(reports: readonly WriteReport[]) {
  const times = new Map<WriteReport, number>();
  for (const report of reports) times.set(report, await report.write.times());
  const count = (isCounted: (report: WriteReport, times: number) => boolean) =>
    reports.filter((report) => isCounted(report, times.get(report) ?? 0)).length;
  const isToldCreated = ({ end, isFoundByLooking, write: { kind } }: WriteReport) =>
    kind === "create" && end === "done" && !isFoundByLooking;
  return {
    writes: reports.length,
    "told done": count(({ end, isFoundByLooking }) => end === "done" && !isFoundByLooking),
    "told created": count(isToldCreated),
    "told that nothing was changed": count(({ failures }) => failures > 0),
    "given up": count(({ end }) => end === "given up"),
    "told unknown": count(({ unknowns }) => unknowns > 0),
    "told unknown, with a key": count(({ unknowns, write }) => unknowns > 0 && write.isKeyed),
    "found out by it": count(({ end, unknowns, write }) => unknowns > 0 && write.isKeyed && end === "done"),
    "told unknown, without a key": count(({ unknowns, write }) => unknowns > 0 && !write.isKeyed),
    "found done by looking": count(({ isFoundByLooking }) => isFoundByLooking),
    lost: count(({ end }, times) => end === "done" && times === 0),
    doubled: count((_, times) => times > 1),
    "told failed yet done": count(({ end }, times) => end === "given up" && times > 0),
    "told wrong": count(({ wrongs }) => wrongs.length > 0),
  };
}

/** Makes the writes while a share of the requests to the database meets faults, and prints what came of it. */
async function makeWrites(count: number, seed: number, during: (begun: Choose) => Promise<void>) {
  const { proxy } = server;
  const writes = await planWrites(server, count, seed);
  const createdBefore = await server.counted("tasks_created_total");
  const before = proxy.journal.length;
  const faulty = seededFaults(seed, SHARE_OF_FAULTS, CALL_SECONDS);
  proxy.follow(faulty);
  const begun = performance.now();
  const waiting = writes.values();
  const reports: WriteReport[] = [];
  const makeSome = async () => {
    for (const write of waiting) reports.push(await carryOut(write));
  };
  await Promise.all([during(faulty), ...Array.from({ length: AT_ONCE }, makeSome)]);
  const seconds = (performance.now() - begun) / 1000;
  proxy.follow(noFault);
  await proxy.settled();

  const table = await tableOf(reports);
  const kinds = Object.entries(Object.groupBy(writes, ({ kind, interface: how }) => `${kind} (${how})`));
  const met = Object.groupBy(proxy.journal.slice(before), ({ fate }) => fate.fault);
  const list = (entries: readonly (readonly [string, readonly unknown[] | undefined])[]) =>
    entries
      .map(([name, all = []]) => `${name} ${all.length}`)
      .sort()
      .join(", ");
  const lines = [
    `seed ${seed}, ${seconds.toFixed(0)} s`,
    ...Object.entries(table).map(([name, value]) => `${String(value).padStart(6)} ${name}`),
    `writes: ${list(kinds)}`,
    `requests to the database: ${list(Object.entries(met))}`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  // Each create counts that its client was told of, whatever became of the first answer.
  const created = async () => (await server.counted("tasks_created_total")) - createdBefore;
  await expect.poll(created, { timeout: 10_000 }).toBe(table["told created"]);
  const wrongs = reports.filter((report) => report.wrongs.length > 0).slice(0, 10);
  return { table, failed: proxy.journal.length - before - (met.none?.length ?? 0), message: explain(seed, wrongs) };
}

function explain(seed: number, reports: readonly WriteReport[]): string {
  return `with FAULT_SEED=${seed}; told wrong: ${JSON.stringify(reports, undefined, 2)}`;
}

/** What must hold whatever fails. */
const sound = { lost: 0, doubled: 0, "told failed yet done": 0, "told wrong": 0 };

describe.skipIf(findPostgresql() === undefined)("writes while requests to the database fail", () => {
  beforeAll(async () => {
    server = await startFaultyServer({ DATABASE_TIMEOUT: String(CALL_SECONDS) });
  }, 120_000);
  afterAll(async () => {
    await server?.close();
  });

  it(`are done once, and told so: ${WRITES} with faults in one request of ten`, { timeout: 1_800_000 }, async () => {
    const { table, failed, message } = await makeWrites(WRITES, SEED, async () => undefined);

    expect(table, message).toMatchObject({ writes: WRITES, ...sound });
    expect(table["told unknown"], message).toBeLessThanOrEqual(WRITES * SHARE_OF_UNKNOWNS);
    expect(table["found out by it"], message).toBe(table["told unknown, with a key"]);
    expect(failed, "too few faults to tell anything").toBeGreaterThan(WRITES * SHARE_OF_FAULTS * 0.5);
    expect(await server.sentryEvents()).toEqual([]);
  });

  it("are done once or not at all, as told, when every request fails for a while", { timeout: 300_000 }, async () => {
    const { table, message } = await makeWrites(WRITES_AROUND_OUTAGE, SEED + 1, async (faulty) => {
      await wait(1);
      server.proxy.follow(seededFaults(SEED, 1, CALL_SECONDS));
      await wait(OUTAGE_SECONDS);
      server.proxy.follow(faulty);
    });

    expect(table, message).toMatchObject({ writes: WRITES_AROUND_OUTAGE, ...sound });
    expect(table["told unknown, with a key"], "the outage was too short to tell anything").toBeGreaterThan(0);
    expect(table["found out by it"], message).toBe(table["told unknown, with a key"]);
    expect(table["told that nothing was changed"], "nobody was kept from it").toBeGreaterThan(0);
    expect(await server.sentryEvents()).toEqual([]);
  });
});
