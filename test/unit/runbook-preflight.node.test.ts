import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { judgeSuite } from "../../ops/runbook/preflight/code-checks.ts";
import { preflightOf } from "../../ops/runbook/preflight/preflight-result.ts";

const projectDirectory = join(import.meta.dirname, "../..");

describe("a suite of a report", () => {
  const file = (path: string, status: string, tests: string[], message = "") => ({
    name: join(projectDirectory, path),
    status,
    message,
    assertionResults: tests.map((outcome, index) => ({ status: outcome, fullName: `test ${index}` })),
  });
  const good = file("test/unit/a.test.ts", "passed", ["passed", "passed"]);

  it("is ticked when all of it passed, whatever became of others", () => {
    const other = file("test/security/b.test.ts", "failed", ["failed"]);
    expect(judgeSuite("unit", { success: true, testResults: [good] })).toEqual({
      status: "done",
      evidence: "2 of 2 passed",
    });
    expect(judgeSuite("unit", { success: false, testResults: [good, other] })).toMatchObject({ status: "done" });
  });

  it("fails when one of its files could not be loaded", () => {
    const broken = file("test/unit/b.test.ts", "failed", [], "Cannot find module './gone.ts'\n  at …");
    expect(() => judgeSuite("unit", { success: false, testResults: [good, broken] })).toThrow(
      /^test\/unit\/b\.test\.ts failed: Cannot find module '\.\/gone\.ts'$/,
    );
  });

  it("fails when the run did, and no file says why", () => {
    expect(() => judgeSuite("unit", { success: false, testResults: [good] })).toThrow("the run failed, although");
  });
});

describe("the preflight that a release names", () => {
  const result = (at: string, changes: object = {}) => ({
    path: at,
    result: {
      at,
      environment: "production",
      commit: "abc123",
      groups: ["code"],
      passed: true,
      accepted: [],
      ...changes,
    },
  });
  const release = { environment: "production", commit: "abc123", group: "code" };

  it("is the last of its commit and environment that looked at that group", () => {
    const configuration = result("4", { groups: ["configuration"] });
    expect(preflightOf([configuration, result("3"), result("2")], release)?.path).toBe("3");
  });

  it.each([
    ["another commit's", [result("1", { commit: "def456" })], release],
    ["another environment's", [result("1", { environment: "staging" })], release],
    ["one that failed since", [result("2", { passed: false }), result("1")], release],
    [
      "one of changes without a commit",
      [result("1", { commit: "abc123-dirty" })],
      { ...release, commit: "abc123-dirty" },
    ],
    ["one outside a clone", [result("1", { commit: "unknown" })], { ...release, commit: "unknown" }],
  ])("is not %s", (_, results, wanted) => {
    expect(preflightOf(results, wanted)).toBeUndefined();
  });
});
