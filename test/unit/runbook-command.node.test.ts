import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { commands } from "../../ops/runbook/commands.ts";
import { Procedure } from "../../ops/runbook/procedure.ts";
import { announceStep } from "../../ops/runbook/release/announce.ts";
import { Settings } from "../../ops/runbook/settings.ts";
import { usage, usageOf } from "../../ops/runbook/usage.ts";

const projectDirectory = join(import.meta.dirname, "../..");

/** Runs a script of package.json. @returns its exit code, what it printed and what it complained of */
function run(script: string, args: readonly string[], env = process.env): Promise<[unknown, string, string]> {
  return new Promise((resolve) => {
    execFile("npm", ["run", "--silent", script, "--", ...args], { cwd: projectDirectory, env }, (error, out, errors) =>
      resolve([error?.code ?? 0, out, errors]),
    );
  });
}

describe.each(["db:migrate", "db:rollback", "db:status"])("npm run %s", (script) => {
  it("--help shows the options of the three", async () => {
    const [code, help, errors] = await run(script, ["--help"]);
    expect([code, errors]).toEqual([0, ""]);
    for (const part of ["db:migrate", "db:rollback", "db:status", "--steps", "--json", "--env", "--env-file"]) {
      expect(help).toContain(part);
    }
  });

  it("names an option that there is not, and says no more", async () => {
    expect(await run(script, ["--bogus"])).toEqual([1, "", "Unknown option '--bogus'\n"]);
  });
});

describe("npm run runbook", () => {
  it.each(Object.entries(commands))("%s --help names its own options and those of every command", (name, command) => {
    const help = usageOf(name, command);
    for (const line of command.usage) expect(help).toContain(line);
    for (const option of ["env", "env-file", "config", "url", "dry-run", "json", "help"]) {
      expect(help).toContain(`  --${option} `);
    }
    expect(usage(commands)).toContain(command.summary);
    const columns = command.usage.map((line) => /^.*?\S {2,}(?=\S)/.exec(line)?.[0].length);
    expect(new Set(columns).size).toBeLessThan(2);
    expect(help).toContain("which environment (default: production)");
    for (const [, name = "", text = ""] of help.matchAll(
      /^ {2}(--\S+).*?\S {2,}(.*(?:backups\/|deployments\/|[0-9]).*)$/gm,
    )) {
      expect(text, name).toMatch(/\(default: |^a rehearsal/);
    }
  });

  it("says in one line that its file is not there, and ends with the code for arguments", async () => {
    const ended = await run("runbook", ["setup", "--env-file", "/nowhere/.env", "--dry-run"]);
    expect(ended).toEqual([2, "", "--env-file /nowhere/.env is not there\n"]);
  });

  it.each(["smoke", "watch", "soak", "monitoring", "reset-password"])(
    "%s says in one line what is missing while the example's address stands in the configuration",
    async (command) => {
      const [code, out, errors] = await run("runbook", [command, ...(command === "reset-password" ? ["a@b.c"] : [])]);
      expect([code, out]).toEqual([1, ""]);
      expect(errors).toMatch(
        /^BASE_URL of production is still the example's, .*--domain .*--workers-dev; or .*--url.*\n$/,
      );
    },
  );

  it("names the commands where there is no such command", async () => {
    const [code, , errors] = await run("runbook", ["ship"]);
    expect(code).toBe(2);
    expect(errors).toBe(`"ship" is not a command; the commands are ${Object.keys(commands).join(", ")}\n`);
  });

  it("says how to sign in where wrangler is not, and none of wrangler's other advice", async () => {
    const home = await mkdtemp(join(tmpdir(), "tasks-no-home-"));
    const [code, , errors] = await run("runbook", ["rollback", "--reason", "x", "--dry-run"], {
      PATH: process.env.PATH,
      HOME: home,
    });
    await rm(home, { recursive: true });
    expect(code).toBe(1);
    expect(errors).toMatch(
      /^wrangler deployments list: it is not signed in: .*CLOUDFLARE_API_TOKEN.*npx wrangler login\n$/,
    );
  }, 60_000);

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
