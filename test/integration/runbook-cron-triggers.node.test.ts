import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { projectDirectory } from "../../local/environment.ts";
import { AcceptedChecks } from "../../ops/runbook/accepted-checks.ts";
import { readContext } from "../../ops/runbook/context.ts";
import { TimeScale } from "../../ops/runbook/duration.ts";
import { Procedure } from "../../ops/runbook/procedure.ts";
import { checkCronTriggers, cronAfterRollback, deployCronTriggers } from "../../ops/runbook/release/cron-triggers.ts";
import { type CloudflareStandIn, startCloudflareStandIn } from "../support/cloudflare-stand-in/stand-in.ts";

const WORKER = "mcp-task-server-production";
const CONFIG = join(projectDirectory, "wrangler.toml");
const RUN = `run npx wrangler triggers deploy --env production --config ${CONFIG}`;

describe("the cron triggers of a release that has all the traffic", () => {
  let cloudflare: CloudflareStandIn;
  const variables = { ...process.env };
  beforeAll(async () => {
    cloudflare = await startCloudflareStandIn({}, () => Promise.reject(new Error("nothing is fetched")));
    cloudflare.addScript(WORKER);
    Object.assign(process.env, cloudflare.environment);
  });
  afterEach(() => cloudflare.broken.clear());
  afterAll(async () => {
    for (const name of Object.keys(cloudflare.environment)) delete process.env[name];
    Object.assign(process.env, variables);
    await cloudflare.close();
  });

  async function deploy() {
    const procedure = new Procedure("deploy", { isDryRun: false, tell: () => undefined });
    const doubts = await deployCronTriggers({
      context: await readContext({ config: CONFIG }),
      procedure,
      accepted: AcceptedChecks.read([], []),
      timeScale: TimeScale.read(undefined),
      interruption: new AbortController().signal,
    });
    return { doubts, steps: procedure.steps.map(({ status, evidence }) => ({ status, evidence })) };
  }

  it("are left for a person, who is told what to run, where wrangler cannot deploy them", async () => {
    cloudflare.broken.add("PUT /workers/scripts/*/schedules");
    const { doubts, steps } = await deploy();
    expect(doubts).toEqual([expect.stringMatching(/^the cron triggers are not deployed: run npx /)]);
    expect(doubts.join()).toContain(`${RUN}: wrangler triggers deploy: `);
    expect(doubts.join()).toContain("schedules");
    expect(steps).toMatchObject([{ status: "failed" }]);
    await expect(checkCronTriggers(await readContext({ config: CONFIG }))).rejects.toThrow(
      `*/10 * * * * in the configuration, none at Cloudflare: ${RUN}`,
    );
  });

  it("are left alone where they are those of the configuration already", async () => {
    const script = cloudflare.script(WORKER);
    if (script !== undefined) script.crons = ["*/10 * * * *"];
    // wrangler could deploy nothing.
    cloudflare.broken.add("PUT /workers/scripts/*/schedules");
    const evidence = "*/10 * * * *, as at Cloudflare";
    expect(await deploy()).toEqual({ doubts: [], steps: [{ status: "done", evidence }] });
    expect(await checkCronTriggers(await readContext({ config: CONFIG }))).toBe(evidence);
  });

  it("are left for a person where Cloudflare does not tell them", async () => {
    cloudflare.broken.add("GET /workers/scripts/*/schedules");
    expect((await deploy()).doubts).toEqual([expect.stringContaining(`${RUN}: Cloudflare answered: `)]);
  });
});

it("after a rollback, runs of the cron fail at Cloudflare where the version has no schedule, as the operator is told", async () => {
  const { target } = await readContext({ config: CONFIG });
  const version = { id: "A", createdOn: "2026-01-01T10:00:00.000Z", migrationTag: "v3" };
  expect(cronAfterRollback(target, { ...version, hasSchedule: true })).toBeUndefined();
  expect(cronAfterRollback(target, { ...version, hasSchedule: false })).toContain(
    "version A has no schedule, so each run (*/10 * * * *) fails at Cloudflare",
  );
});
