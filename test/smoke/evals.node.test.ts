import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { z } from "zod";
import { allCases } from "../../evals/cases/all-cases.ts";
import { Days } from "../../evals/days.ts";
import { calls, type Round, says } from "../../evals/eval-case.ts";
import { quickDatabase } from "../support/cluster-databases.ts";
import { toStep } from "../support/eval-rounds.ts";
import { Script } from "../support/scripted-model.ts";

const projectDirectory = join(import.meta.dirname, "../..");

const tableSchema = z.object({
  models: z.array(
    z.object({
      model: z.string(),
      passed: z.number(),
      cases: z.number(),
      pass_rate: z.number(),
      calls: z.number(),
      tokens: z.number(),
      results: z.array(
        z.object({ name: z.string(), passed: z.boolean(), faults: z.array(z.string()), calls: z.number() }),
      ),
      not_run: z.array(z.string()),
    }),
  ),
});

let output: string;

beforeAll(async () => {
  output = await mkdtemp(join(tmpdir(), "tasks-evals-test-"));
});
afterAll(() => rm(output, { recursive: true }));

interface Ended {
  readonly code: number;
  readonly printed: string;
  readonly errors: string;
}

/** Runs what `npm run eval` runs, with these variables alone. */
function runEvals(args: readonly string[], variables: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env;
  const environment = { PATH, HOME, NODE_COMPILE_CACHE, ...variables };
  const settings = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const command = ["-i", ...settings, process.execPath, "evals/cli.ts", ...args];
  return new Promise((resolve) => {
    const child = execFile("env", command, { cwd: projectDirectory }, (_, printed, errors) =>
      resolve({ code: child.exitCode ?? -1, printed, errors }),
    );
  });
}

/** Has the scripted model do something about the first words of a case. */
async function script(name: string, rounds?: readonly Round[]): Promise<void> {
  const evalCase = allCases.find((known) => known.name === name);
  if (evalCase === undefined) throw new Error(`there is no case ${name}`);
  const { turns } = evalCase.story(new Days(evalCase.timeZone));
  for (const turn of turns) await Script.write((rounds ?? turn.model).map(toStep), { said: turn.person });
}

describe("npm run eval", () => {
  it("prints and keeps what became of each case, and ends with 1 where one did not pass", async () => {
    await script("what-is-overdue");
    await script("i-did-the-first-two");
    await script("delete-after-a-no");
    await script("complete-one", [calls(["delete_task", { task_id: 2 }]), says("It is gone.")]);
    const names = ["what-is-overdue", "complete-one", "i-did-the-first-two", "delete-after-a-no"];
    const { code, printed, errors } = await runEvals(
      [...names.flatMap((name) => ["--case", name]), "--model", "scripted-model", "--output", output],
      {
        OPENAI_API_KEY: "the key of the tests",
        OPENAI_BASE_URL: inject("scriptedResponsesUrl"),
        ...(await quickDatabase()),
      },
    );
    expect(errors).toBe("");
    expect(printed).toMatch(/^passed {2}what-is-overdue {2}1 call, [\d,]+ tokens, [\d.]+ s$/m);
    expect(printed).toMatch(/^passed {2}i-did-the-first-two {2}2 calls, /m);
    expect(printed).toMatch(/^passed {2}delete-after-a-no {2}2 calls, /m);
    expect(printed).toMatch(
      /^FAILED {2}complete-one {2}1 call, .*\n +#1 "Pay the rent": status is "pending", not "completed"\n +#2 "Pay the gardener" is gone$/m,
    );
    expect(printed).toMatch(/^scripted-model: 3 of 4 passed \(75 %\); 6 calls, [\d,]+ tokens, [\d.]+ s$/m);
    expect(code).toBe(1);

    const files = (await readdir(output)).sort();
    expect(files).toEqual([expect.stringMatching(/\.json$/), expect.stringMatching(/\.md$/)]);
    const [json = "", markdown = ""] = await Promise.all(files.map((file) => readFile(join(output, file), "utf8")));
    const { models } = tableSchema.parse(JSON.parse(json));
    expect(models).toMatchObject([
      { model: "scripted-model", passed: 3, cases: 4, pass_rate: 0.75, calls: 6, not_run: [] },
    ]);
    expect(models[0]?.results.map(({ name, passed }) => [name, passed])).toEqual([
      ["what-is-overdue", true],
      ["complete-one", false],
      ["i-did-the-first-two", true],
      ["delete-after-a-no", true],
    ]);
    expect(markdown).toMatch(/^\| scripted-model \| 3 \| 4 \| 75 % \| 6 \| [\d,]+ \| [\d.]+ s \|$/m);
    expect(markdown).toMatch(/^\| what-is-overdue \| passed \| 1 \| [\d,]+ \| [\d.]+ s \|$/m);
    expect(markdown).toContain('#2 "Pay the gardener" is gone');
  });

  it("begins no further case once a bound is reached, and ends with 1 as not every case has passed", async () => {
    await script("add-one");
    const { code, printed, errors } = await runEvals(
      ["--case", "add-one", "--case", "complete-one", "--parallel", "1", "--max-tokens", "1", "--output", output],
      {
        OPENAI_API_KEY: "the key of the tests",
        OPENAI_BASE_URL: inject("scriptedResponsesUrl"),
        OPENAI_MODEL: "a model of the environment",
        ...(await quickDatabase()),
      },
    );
    expect(errors).toBe("");
    expect(printed).toMatch(/^a model of the environment: 1 of 2 passed \(50 %\), 1 not run; /m);
    expect(code).toBe(1);
  });

  it("says in one line what is missing, and that a case or an option is none", async () => {
    expect(await runEvals([])).toEqual({
      code: 2,
      printed: "",
      errors: expect.stringMatching(/^OPENAI_API_KEY is not set: .*\n$/),
    });
    expect(await runEvals(["--case", "nothing"])).toMatchObject({
      code: 2,
      errors: '--case "nothing" is no case; --list names them\n',
    });
    expect(await runEvals(["--parallel", "0"])).toMatchObject({
      code: 2,
      errors: '--parallel must be a whole number from 1 to 20, not "0"\n',
    });
  });

  it("tells its options and its cases without a model", async () => {
    expect(await runEvals(["--help"])).toMatchObject({ code: 0, printed: expect.stringContaining("--max-tokens") });
    expect(await runEvals(["--list"])).toMatchObject({
      code: 0,
      printed: allCases.map(({ name }) => `${name}\n`).join(""),
    });
  });
});
