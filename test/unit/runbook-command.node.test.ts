import { execFile } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { commands } from "../../ops/runbook/commands.ts";
import { Procedure } from "../../ops/runbook/procedure.ts";
import { announceStep } from "../../ops/runbook/release/announce.ts";
import { Settings } from "../../ops/runbook/settings.ts";
import { usage, usageOf } from "../../ops/runbook/usage.ts";

const projectDirectory = join(import.meta.dirname, "../..");

describe("npm run runbook", () => {
  it.each(Object.entries(commands))("%s --help names its own options and those of every command", (name, command) => {
    const help = usageOf(name, command);
    for (const line of command.usage) expect(help).toContain(line);
    for (const option of ["env", "env-file", "config", "url", "dry-run", "json", "help"]) {
      expect(help).toContain(`  --${option} `);
    }
    expect(usage(commands)).toContain(command.summary);
  });

  it("says in one line that its file is not there, and ends with the code for arguments", async () => {
    const args = ["run", "--silent", "runbook", "--", "setup", "--env-file", "/nowhere/.env", "--dry-run"];
    const ended = await new Promise((resolve) => {
      execFile("npm", args, { cwd: projectDirectory }, (error, stdout, stderr) =>
        resolve([error?.code, stdout, stderr]),
      );
    });
    expect(ended).toEqual([2, "", "--env-file /nowhere/.env is not there\n"]);
  });

  it("leaves it to a person to tell the team where there is no webhook", async () => {
    const procedure = new Procedure("rollback", { isDryRun: false, tell: () => undefined });
    await announceStep(await Settings.read("staging"), procedure, "Deployment rolled back");
    expect(procedure.steps).toMatchObject([
      {
        name: "tell the team",
        status: "person",
        evidence: expect.stringMatching(/tell the team yourself: Deployment/),
      },
    ]);
  });
});
