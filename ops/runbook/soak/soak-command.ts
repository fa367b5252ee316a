import { withConnection } from "../../database/connection.ts";
import { defineCommand } from "../command.ts";
import { checkCommonValues, readContext } from "../context.ts";
import type { Deployment } from "../deployment.ts";
import { readPositive, sleep, TimeScale } from "../duration.ts";
import type { Procedure } from "../procedure.ts";
import { readOwnerUrl } from "../release/database-steps.ts";
import { RunbookError } from "../runbook-error.ts";
import { SmokeAccount } from "../smoke/account.ts";
import { criteria } from "../watch/criteria.ts";
import { type Connections, countConnections } from "./connections.ts";

const MINUTES = 30;
/** A second; together within the address limit of 1,200 a minute. */
const RATE = 15;
/** Each within the user limit of 600 a minute. */
const PEOPLE = 4;
const SAMPLE_EVERY_MILLISECONDS = 5_000;
const LARGEST_SHARE_OF_CONNECTIONS = 0.8;

interface Load {
  requests: number;
  errors: number;
  readonly milliseconds: number[];
}

/** `soak`: the database path under load, and its connections. */
export const soakCommand = defineCommand({
  summary: "load the path to the database for a while, and report its connections",
  usage: [
    `--minutes <number>     how long; ${MINUTES}`,
    `--rate <number>        requests a second; ${RATE}`,
    "--time-scale <factor>  a rehearsal: that much shorter",
  ],
  options: { minutes: { type: "string" }, rate: { type: "string" }, "time-scale": { type: "string" } },
  check(values) {
    checkCommonValues(values);
    readPositive("minutes", values.minutes, MINUTES);
    readPositive("rate", values.rate, RATE);
    TimeScale.read(values["time-scale"]);
  },
  async run(values, procedure) {
    const { deployment, settings } = await readContext(values);
    const minutes = readPositive("minutes", values.minutes, MINUTES);
    const rate = readPositive("rate", values.rate, RATE);
    const timeScale = TimeScale.read(values["time-scale"]);
    if (timeScale.remark !== undefined) procedure.record("time", "done", timeScale.remark);
    const ownerUrl = readOwnerUrl(settings);
    if (procedure.isDryRun) {
      procedure.record(
        "soak",
        "would do",
        `${rate} requests a second for ${minutes} minutes at ${deployment.url.origin}`,
      );
      return undefined;
    }
    return procedure.step(`soak for ${minutes} minutes`, () =>
      withConnection("DATABASE_OWNER_URL", ownerUrl, async (owner) => {
        const load = startLoad(deployment, rate, timeScale.minutes(minutes));
        let most: Connections = await countConnections(owner);
        let isOver = false;
        const loading = load.finally(() => {
          isOver = true;
        });
        for (let begun = Date.now(); !isOver; begun += SAMPLE_EVERY_MILLISECONDS) {
          const now = await countConnections(owner);
          if (now.used > most.used) most = now;
          procedure.note(`${now.used} of ${now.most} connections`);
          await Promise.race([loading, sleep(begun + SAMPLE_EVERY_MILLISECONDS - Date.now())]);
        }
        return judge(await loading, most, procedure);
      }),
    );
  },
});

/** Sends requests at a steady rate, whether or not those before were answered, as people do. */
async function startLoad(deployment: Deployment, rate: number, duration: number): Promise<Load> {
  const accounts: SmokeAccount[] = [];
  const load: Load = { requests: 0, errors: 0, milliseconds: [] };
  try {
    for (let count = 0; count < PEOPLE; count += 1) accounts.push(await SmokeAccount.signUp(deployment));
    const waiting: Promise<void>[] = [];
    const begun = Date.now();
    for (let sent = 0; (sent * 1000) / rate < duration; sent += 1) {
      await sleep(begun + (sent * 1000) / rate - Date.now());
      const account = accounts[sent % accounts.length];
      if (account !== undefined) waiting.push(sendOne(account, sent, load));
    }
    await Promise.all(waiting);
  } finally {
    for (const account of accounts) await account.remove();
  }
  return load;
}

async function sendOne(account: SmokeAccount, sent: number, load: Load): Promise<void> {
  const begun = performance.now();
  const isWrite = sent % 5 === 0;
  const status = await (isWrite
    ? account.call("create_task", { title: `Soak ${sent}` })
    : account.call("list_tasks", { limit: 10 })
  ).then(
    (answer) => answer.status,
    () => 599,
  );
  load.requests += 1;
  if (status >= 500) load.errors += 1;
  load.milliseconds.push(performance.now() - begun);
}

function judge({ requests, errors, milliseconds }: Load, connections: Connections, procedure: Procedure) {
  const p95 = Math.round(milliseconds.sort((a, b) => a - b)[Math.floor(milliseconds.length * 0.95)] ?? 0);
  const evidence = `${requests} requests, ${errors} errors, p95 ${p95} ms from here, at most ${connections.used} of ${connections.most} connections`;
  if (requests === 0 || errors / requests >= criteria.targetErrorRate) throw new RunbookError(evidence);
  if (connections.used > connections.most * LARGEST_SHARE_OF_CONNECTIONS) {
    throw new RunbookError(`${evidence}: too close to the limit`);
  }
  procedure.note("the accounts of this run are deleted");
  return { evidence, result: { requests, errors, p95, connections } };
}
