import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { RunbookError } from "../runbook-error.ts";
import { projectDirectory } from "../settings.ts";
import { type Finding, notChecked, type PreflightCheck, type PreflightContext, seen } from "./check.ts";

/** The suites that the runbook names, each a folder of test/. */
const SUITES = ["unit", "integration", "contract", "security"] as const;
const LEAST_COVERAGE = 80;

const reportSchema = z.object({
  success: z.boolean(),
  testResults: z.array(
    z.object({
      name: z.string(),
      /** Of the file: it may have failed without any test, as one that cannot be loaded. */
      status: z.string(),
      message: z.string().default(""),
      assertionResults: z.array(z.object({ status: z.string(), fullName: z.string() })),
    }),
  ),
  coverageMap: z.record(z.string(), z.object({ s: z.record(z.string(), z.number()) })).nullish(),
});

type TestReport = z.output<typeof reportSchema>;

const reports = new Map<string, Promise<TestReport>>();

/** The dependencies, each suite apart, and coverage. */
export const codeChecks: readonly PreflightCheck[] = [
  { name: "dependency audit", run: auditDependencies },
  ...SUITES.map((suite) => onTests(`${suite} tests`, (report) => judgeSuite(suite, report))),
  onTests("coverage", judgeCoverage),
];

function onTests(name: string, judge: (report: TestReport) => Finding): PreflightCheck {
  return {
    name,
    isLong: ({ testReport }) => testReport === undefined,
    run: async (context) => judge(await testReport(context)),
  };
}

/** The report of the whole suite with coverage; run once, or taken from where somebody says it is. */
function testReport({ testReport: path }: PreflightContext): Promise<TestReport> {
  const key = path ?? "";
  const known = reports.get(key);
  if (known !== undefined) return known;
  const reading = path === undefined ? runTests() : readReport(path);
  reports.set(key, reading);
  return reading;
}

async function runTests(): Promise<TestReport> {
  const directory = await mkdtemp(join(tmpdir(), "mcp-task-server-tests-"));
  const file = join(directory, "report.json");
  try {
    const suites = SUITES.map((suite) => `test/${suite}`);
    const args = [
      "run",
      ...suites,
      "--coverage",
      "--coverage.reporter",
      "text-summary",
      "--reporter",
      "json",
      "--outputFile",
      file,
    ];
    const { code } = await runProgram("vitest", args);
    const report = await readReport(file);
    // An error outside of any test ends vitest so, and stands in no report.
    return { ...report, success: report.success && code === 0 };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function readReport(path: string): Promise<TestReport> {
  const report = reportSchema.safeParse(JSON.parse(await readFile(path, "utf8")));
  if (!report.success) throw new RunbookError(`${path} is not a report of vitest`);
  return report.data;
}

/** @throws RunbookError when a test, a file or the run as a whole failed */
export function judgeSuite(suite: string, { success, testResults }: TestReport): Finding {
  const nameOf = ({ name }: { name: string }) => relative(projectDirectory, name);
  const own = testResults.filter((file) => nameOf(file).startsWith(`test/${suite}/`));
  const tests = own.flatMap(({ assertionResults }) => assertionResults);
  const failed = tests.filter(({ status }) => status === "failed");
  const passed = tests.filter(({ status }) => status === "passed").length;
  const [first] = failed;
  if (first !== undefined)
    throw new RunbookError(`${failed.length} of ${tests.length} failed, first ${first.fullName}`);
  const broken = own.find(({ status }) => status !== "passed");
  if (broken !== undefined) throw new RunbookError(`${nameOf(broken)} ${broken.status}: ${firstLine(broken.message)}`);
  if (!success && testResults.every(({ status }) => status === "passed")) {
    throw new RunbookError("the run failed, although every file passed: run npm test to see why");
  }
  if (passed === 0) return notChecked(`no test of test/${suite} was run`);
  const skipped = tests.length - passed;
  return skipped > 0
    ? notChecked(`${passed} passed, but ${skipped} were skipped`)
    : seen(`${passed} of ${passed} passed`);
}

function firstLine(message: string): string {
  return message.split("\n", 1).join("") || "it was not run to its end";
}

function judgeCoverage({ coverageMap }: TestReport) {
  if (!coverageMap || Object.keys(coverageMap).length === 0) return notChecked("the tests were run without coverage");
  const statements = Object.values(coverageMap).flatMap(({ s }) => Object.values(s));
  const share = (100 * statements.filter((count) => count > 0).length) / statements.length;
  const evidence = `${share.toFixed(1)} % of ${statements.length} statements, ${LEAST_COVERAGE} % are needed`;
  if (share < LEAST_COVERAGE) throw new RunbookError(evidence);
  return seen(evidence);
}

const auditSchema = z.object({
  vulnerabilities: z.record(z.string(), z.object({ severity: z.string() })),
  metadata: z.object({ dependencies: z.object({ total: z.number() }) }),
});

/** What is deployed may have no known vulnerability; an audit that could not be had is not one that found nothing. */
async function auditDependencies() {
  const { stdout } = await runProgram("npm", ["audit", "--omit=dev", "--json"]);
  const audit = auditSchema.safeParse(parse(stdout));
  if (!audit.success) return notChecked("npm audit got no answer from the registry");
  const { vulnerabilities, metadata } = audit.data;
  const found = Object.entries(vulnerabilities).map(([name, { severity }]) => `${name} (${severity})`);
  if (found.length > 0) throw new RunbookError(`known vulnerabilities: ${found.join(", ")}`);
  return seen(`no known vulnerability in ${metadata.dependencies.total} packages`);
}

async function runProgram(program: string, args: readonly string[]): Promise<{ stdout: string; code: unknown }> {
  const child = spawn(program, args, { cwd: projectDirectory, stdio: ["ignore", "pipe", "ignore"] });
  const [[code], stdout] = await Promise.all([once(child, "close"), text(child.stdout)]);
  return { stdout, code };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
