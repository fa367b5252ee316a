import { withConnection } from "../../database/connection.ts";
import { defineCommand } from "../command.ts";
import { checkCommonValues, readContextToAsk } from "../context.ts";
import type { Deployment } from "../deployment.ts";
import { readPositive, sleep, TimeScale } from "../duration.ts";
import { readOwnerUrl } from "../release/database-steps.ts";
import { SmokeAccount } from "../smoke/account.ts";
import { type Connections, countConnections } from "./connections.ts";
import { judgeLoad, type Load, refuseLimitedRate } from "./load.ts";

const MINUTES = 30;
/** A second. */
const RATE = 15;
const PEOPLE = 4;
const SAMPLE_EVERY_MILLISECONDS = 5_000;

/** `soak`: the database path under load, and its connections. */
export const soakCommand = defineCommand({
  summary: "load the path to the database for a while, and report its connections",
  usage: [
    `--minutes <number>     how long (default: ${MINUTES})`,
    `--rate <number>        requests a second, within the rate limits (default: ${RATE})`,
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
    const { deployment, settings, target } = await readContextToAsk(values);
    const minutes = readPositive("minutes", values.minutes, MINUTES);
    const rate = readPositive("rate", values.rate, RATE);
    const timeScale = TimeScale.read(values["time-scale"]);
    if (timeScale.remark !== undefined) procedure.record("time", "done", timeScale.remark);
    refuseLimitedRate(rate, target.rateLimits, PEOPLE);
    const ownerUrl = readOwnerUrl(settings);
    if (procedure.isDryRun) {
      procedure.record(
        "soak",
        "would do",
        `${rate} requests a second for ${minutes} minutes at ${deployment.url.origin}`,
      );
      return undefined;
    }
    return procedure.step(`soak for ${timeScale.describe(minutes)}`, () =>
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
        const judged = judgeLoad(await loading, most);
        procedure.note("the accounts of this run are deleted");
        return judged;
      }),
    );
  },
});

/** Sends requests at a steady rate, whether or not those before were answered, as people do. */
async function startLoad(deployment: Deployment, rate: number, duration: number): Promise<Load> {
  const accounts: SmokeAccount[] = [];
  const load: Load = { statuses: [], milliseconds: [] };
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
    () => undefined,
  );
  load.statuses.push(status);
  load.milliseconds.push(performance.now() - begun);
}
