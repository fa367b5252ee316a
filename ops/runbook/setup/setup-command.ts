import { defineCommand } from "../command.ts";
import { checkCommonValues, readContext } from "../context.ts";
import { workersPlan } from "../preflight/person-steps.ts";
import { setUpNamespaces } from "./namespaces.ts";
import { describePlan, planSecrets, writeGenerated } from "./secrets.ts";

/** `setup`: what an environment needs before its first release. */
export const setupCommand = defineCommand({
  summary: "generate the secrets that are missing, upload all; make the KV namespaces that are bound, if any",
  usage: [],
  options: {},
  check: checkCommonValues,
  async run(values, procedure) {
    const { settings, target, wrangler } = await readContext(values);
    procedure.record("Workers plan", "person", workersPlan);
    await setUpNamespaces(target, wrangler, procedure);
    const plan = await procedure.step("secrets", async () => {
      const plan = planSecrets(settings, await wrangler.secretNames());
      return { evidence: describePlan(plan, procedure.isDryRun), result: plan };
    });
    if (Object.keys(plan.generated).length > 0) {
      await procedure.change("keep the generated secrets", `in ${settings.file.path}`, async () => {
        await writeGenerated(settings.file.path, plan.generated);
        return { evidence: `in ${settings.file.path}, readable by you alone`, result: undefined };
      });
    }
    const names = Object.keys(plan.upload);
    await procedure.change("upload", `wrangler secret bulk: ${names.join(", ")}`, async () => {
      await wrangler.putSecrets(plan.upload);
      return { evidence: `${names.length} secrets of ${target.scriptName}: ${names.join(", ")}`, result: undefined };
    });
    return { worker: target.scriptName, uploaded: names, generated: Object.keys(plan.generated) };
  },
});
