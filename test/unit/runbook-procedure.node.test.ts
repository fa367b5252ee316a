import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Procedure } from "../../ops/runbook/procedure.ts";

describe("a procedure", () => {
  let told: string[];
  let procedure: Procedure;

  beforeEach(() => {
    vi.useFakeTimers();
    told = [];
    procedure = new Procedure("deploy", { isDryRun: false, tell: (line) => told.push(line) });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  /** Work that takes so many seconds. */
  const lasting = (seconds: number) => () =>
    new Promise<{ status: "done"; evidence: string; result: number }>((resolve) => {
      setTimeout(() => resolve({ status: "done", evidence: "seen", result: seconds }), seconds * 1000);
    });

  it("names a step before it begins, and tells that it goes on: often at first, then less often", async () => {
    const step = procedure.step("upload", lasting(95));
    expect(told).toEqual(["… upload"]);
    await vi.advanceTimersByTimeAsync(95_000);
    expect(await step).toBe(95);
    expect(told.slice(1)).toEqual([
      ...[10, 20, 30, 40, 50, 60, 90].map((seconds) => `  upload: ${seconds} s so far`),
      "✓ upload: seen (95 s)",
    ]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(told).toHaveLength(9);
  });

  it("tells that a step goes on only where the step itself tells nothing", async () => {
    const step = procedure.step("watch", async () => {
      for (let reading = 1; reading <= 4; reading += 1) {
        await lasting(reading === 4 ? 11 : 9)();
        procedure.note(`reading ${reading}`);
      }
      return { evidence: "seen", result: undefined };
    });
    await vi.advanceTimersByTimeAsync(38_000);
    await step;
    expect(told).toEqual([
      ...["… watch", "  reading 1", "  reading 2", "  reading 3"],
      ...["  watch: 37 s so far", "  reading 4", "✓ watch: seen (38 s)"],
    ]);
  });

  it("names a check before its finding where it takes more than a moment, and no other", async () => {
    const checks = procedure.check("variables", lasting(0.5)).then(() => procedure.check("model", lasting(10.5)));
    await vi.advanceTimersByTimeAsync(1_600);
    expect(told).toEqual(["✓ variables: seen", "… model"]);
    await vi.advanceTimersByTimeAsync(10_000);
    await checks;
    expect(told.slice(2)).toEqual(["✓ model: seen (10.5 s)"]);
    expect(procedure.steps.map(({ name }) => name)).toEqual(["variables", "model"]);
  });

  it("names what is waited for without a record of its own, and ends with what it fails with", async () => {
    const waiting = procedure.waitFor("the version in force", async () => {
      await lasting(12)();
      throw new Error("no answer");
    });
    const failure = expect(waiting).rejects.toThrow("no answer");
    await vi.advanceTimersByTimeAsync(12_000);
    await failure;
    expect(told).toEqual(["… the version in force", "  the version in force: 11 s so far"]);
    expect(procedure.steps).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
