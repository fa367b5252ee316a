import { readFile } from "node:fs/promises";
import type { Procedure } from "../procedure.ts";
import { isWorkerDeployed } from "../release/deployed-worker.ts";
import type { ReleaseTarget } from "../release-target.ts";
import type { Wrangler } from "../wrangler.ts";
import { withVariables } from "./configuration-text.ts";
import { replaceConfiguration } from "./replace-configuration.ts";

/** What is off for as long as a release may serve, or be rolled back to, that does not know it: docs/deployment.md. */
const SWITCHES = ["SIGN_CURSORS", "SCOPED_CREDENTIALS"];

/** Switches on, before the first release, what is off for the sake of releases before: there is none to go back to. */
export async function setUpSwitches(target: ReleaseTarget, wrangler: Wrangler, procedure: Procedure): Promise<void> {
  const off = SWITCHES.filter((name) => target.variables[name] === "off");
  if (off.length === 0) {
    procedure.record("switches", "done", `${SWITCHES.join(", ")}: none is off`);
    return;
  }
  if (await procedure.waitFor("switches", () => isWorkerDeployed(wrangler, target.migrationTag))) {
    const evidence = `${off.join(" and ")} ${off.length === 1 ? "stays" : "stay"} off in ${target.configPath} until the release in force knows what it is: docs/deployment.md`;
    procedure.record("switches", "person", evidence);
    return;
  }
  const on = Object.fromEntries(off.map((name) => [name, "on"]));
  const written = `in ${target.configPath}: ${off.join(", ")} on, as no release is deployed yet`;
  await procedure.change("switches", written, async () => {
    const text = await readFile(target.configPath, "utf8");
    await replaceConfiguration(target, withVariables(text, target, on).text);
    return { evidence: written, result: undefined };
  });
}
