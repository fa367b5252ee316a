import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { judgeSuite } from "../../ops/runbook/preflight/code-checks.ts";

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
