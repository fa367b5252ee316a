import { defineCommand } from "../command.ts";
import { checkCommonValues, readContext } from "../context.ts";
import { workersPlan } from "../preflight/person-steps.ts";
import { checkAddressValues, setUpAddress } from "./address.ts";
import { deriveDatabaseUrl, setUpDatabase } from "./database.ts";
import { setUpNamespaces } from "./namespaces.ts";
import { nextLines } from "./next-lines.ts";
import { describePlan, planSecrets, writeGenerated } from "./secrets.ts";
import { setUpServerJson } from "./server-json.ts";
import { setUpSwitches } from "./switches.ts";

/** `setup`: what an environment needs before its first release. A second run leaves alone what is right already. */
export const setupCommand = defineCommand({
  summary:
    "write the address, make the KV namespace, generate missing secrets, make tables and login, upload the secrets; says what comes next",
  usage: [
    "--domain <host>            where the worker is reached: a host of a domain of the account, such as api.example.com",
    "--workers-dev              or by the account's own name at workers.dev, without a domain",
  ],
  options: { domain: { type: "string" }, "workers-dev": { type: "boolean" } },
  check(values) {
    checkCommonValues(values);
    checkAddressValues(values);
  },
  async run(values, procedure) {
    const context = await readContext(values);
    const { settings, wrangler } = context;
    procedure.record("Workers plan", "person", workersPlan);
    const target = await setUpAddress(context, procedure, values);
    await setUpServerJson(target, procedure);
    await setUpNamespaces(target, wrangler, procedure);
    await setUpSwitches(target, wrangler, procedure);
    const plan = await procedure.step("secrets", async () => {
      const plan = await planSecrets(settings, await wrangler.secretNames(), () => deriveDatabaseUrl(settings));
      return { evidence: describePlan(plan, procedure.isDryRun), result: plan };
    });
    if (Object.keys(plan.generated).length > 0) {
      // Before any of them counts somewhere: what is made here is known nowhere else.
      await procedure.change("keep the generated secrets", `in ${settings.file.path}`, async () => {
        await writeGenerated(settings.file.path, plan.generated);
        return { evidence: `in ${settings.file.path}, readable by you alone`, result: undefined };
      });
    }
    await setUpDatabase(settings, procedure, plan.upload.DATABASE_URL);
    const names = Object.keys(plan.upload);
    await procedure.change("upload", `wrangler secret bulk: ${names.join(", ")}`, async () => {
      await wrangler.putSecrets(plan.upload);
      return { evidence: `${names.length} secrets of ${target.scriptName}: ${names.join(", ")}`, result: undefined };
    });
    const next = nextLines(target, values.config);
    for (const line of next) procedure.note(line);
    return {
      worker: target.scriptName,
      url: target.baseUrl,
      uploaded: names,
      generated: Object.keys(plan.generated),
      next,
    };
  },
});
