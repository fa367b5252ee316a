import { describe, expect, it } from "vitest";
import { describePlan } from "../../ops/runbook/setup/secrets.ts";

describe("setup says of secrets", () => {
  const plan = {
    upload: { DATABASE_URL: "a", JWT_SECRET: "b" },
    generated: { JWT_SECRET: "b" },
    kept: [],
    missing: [],
  };

  it("what it has generated, and in a dry run what it would", () => {
    expect(describePlan(plan, false)).toBe("given: DATABASE_URL; generated: JWT_SECRET");
    expect(describePlan(plan, true)).toBe("given: DATABASE_URL; to generate: JWT_SECRET");
  });
});
