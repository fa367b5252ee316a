import { describe, expect, it } from "vitest";
import { describeRollback } from "../../ops/runbook/release/conclusion.ts";
import { hasTheWorker } from "../../ops/runbook/release/deployed-worker.ts";
import { migrationsToRollBack } from "../../ops/runbook/release/release-record.ts";
import { refuseNewer } from "../../ops/runbook/release/rollback.ts";
import { newVersionIn, versionBefore, wayTo } from "../../ops/runbook/release/rollback-target.ts";
import { awaitServing } from "../../ops/runbook/release/serving.ts";

/** Deployments as they were made, oldest first: "A" has all the traffic, "C10 B90" share it. */
function history(...deployed: string[]) {
  return deployed
    .map((split) => ({
      versions: split.split(" ").map((share) => ({
        version_id: share.slice(0, 1),
        percentage: Number(share.slice(1) || 100),
      })),
    }))
    .reverse();
}

describe("the version that a rollback goes back to", () => {
  it.each([
    [["A", "B"], "B", "A"],
    // A gradual release that was interrupted goes back to what it was released over.
    [["A", "B", "C0 B100", "C10 B90"], "C", "B"],
    [["A", "B", "C0 B100", "B90 C10"], "C", "B"],
    [["A", "B", "B50 C50", "C"], "C", "B"],
    // A second rollback does not bring back what was rolled back.
    [["A", "B", "C", "B"], "B", "A"],
    [["A", "B", "C0 B100", "C10 B90", "B"], "B", "A"],
    [["A", "B", "A", "C"], "C", "A"],
  ])("of %j: from %s to %s", (deployed, from, to) => {
    expect(versionBefore(history(...deployed))).toEqual({ from, to });
  });

  it.each([
    [[], "nothing is deployed"],
    [["A"], "no version had all the traffic before A"],
    [["A", "B", "A"], "no version had all the traffic before A"],
    [["A10 B90"], "of A and B, which share the traffic, none had all of it before"],
  ])("is not guessed of %j", (deployed, reason) => {
    expect(() => versionBefore(history(...deployed))).toThrow(reason);
  });

  it("is the one that is named, from the one with most of the traffic", () => {
    expect(wayTo("A", history("A", "B", "C10 B90"))).toEqual({ from: "B", to: "A" });
    expect(wayTo("B", history("A", "B", "C10 B90"))).toEqual({ from: "C", to: "B" });
    expect(() => wayTo("B", history("A", "B"))).toThrow("version B has all the traffic already");
  });

  it("has the worker in it: a version that was made for its secrets alone has not", () => {
    const made = { id: "A", createdOn: "2026-01-01T10:00:00.000Z", hasSchedule: true };
    expect(hasTheWorker({ ...made, migrationTag: undefined }, "v3")).toBe(false);
    expect(hasTheWorker({ ...made, migrationTag: "v2" }, "v3")).toBe(true);
    expect(hasTheWorker({ ...made, migrationTag: undefined }, undefined)).toBe(true);
  });

  it("is no newer one, however few deployments Cloudflare remembers", () => {
    const older = { id: "A", createdOn: "2026-01-01T10:00:00.000Z", migrationTag: undefined, hasSchedule: true };
    const newer = { id: "B", createdOn: "2026-01-01T11:00:00.000Z", migrationTag: undefined, hasSchedule: true };
    expect(() => refuseNewer(older, newer)).not.toThrow();
    expect(() => refuseNewer(newer, older)).toThrow(
      "version B is newer than A, and was rolled back: name one with --to",
    );
  });
});

describe("what wrangler deployed although it failed", () => {
  it.each([
    ["at once, over a version", ["A", "B"], "A", "B"],
    ["at once, as the first", ["B"], undefined, "B"],
    ["without traffic yet", ["A", "B0 A100"], "A", "B"],
    ["not at all", ["A"], "A", undefined],
    ["not at all, with none before", [], undefined, undefined],
  ])("%s", (_, deployed, previous, found) => {
    expect(newVersionIn(history(...deployed)[0], previous)).toBe(found);
  });
});

describe("the version that a rollback has gone to", () => {
  const serving = (...answers: (string | Error)[]) => {
    const asked: number[] = [];
    const ask = async () => {
      const answer = answers[Math.min(asked.push(performance.now()), answers.length) - 1];
      if (answer instanceof Error) throw answer;
      return { status: "healthy", database: "connected", version: answer ?? "" };
    };
    return { asked, ask };
  };

  it("serves once it was healthy three times in a row, asked with a pause in between", async () => {
    const { asked, ask } = serving("C", "B", new Error("/health answered 503"), "B");
    await expect(awaitServing(ask, "B", { every: 5, within: 20_000 })).resolves.toBe(
      "/health answered 3 times in a row, version B",
    );
    expect(asked).toHaveLength(6);
    expect((asked.at(-1) ?? 0) - (asked[0] ?? 0)).toBeGreaterThan(20);
  });

  it("does not serve when another goes on to answer, or it is not healthy", async () => {
    const timing = { every: 5, within: 60 };
    await expect(awaitServing(serving("C").ask, "B", timing)).rejects.toThrow("version C still answers");
    const down = serving(new Error("/health answered 503: database unreachable"));
    await expect(awaitServing(down.ask, "B", timing)).rejects.toThrow("/health answered 503: database unreachable");
  });

  it("has rolled the release back, verified or not", () => {
    expect(describeRollback({ moved: true, doubts: [] })).toEqual({
      isRolledBack: true,
      response: "the release was rolled back",
      announcement: "Deployment rolled back",
    });
    expect(describeRollback({ moved: true, doubts: ["it is not verified: 503"] })).toEqual({
      isRolledBack: true,
      response: "the release was rolled back, but a person is needed now, as it is not verified: 503",
      announcement: "Deployment rolled back, but it is not verified: 503",
    });
    expect(describeRollback({ moved: false, reason: "wrangler said no" })).toEqual({
      isRolledBack: false,
      response: "the release stays and needs a person now, as wrangler said no",
      announcement: "Deployment FAILED and is NOT rolled back",
    });
  });
});

describe("the migrations that a rollback undoes", () => {
  it.each([
    [[], ["0001", "0002"], []],
    [
      ["0002", "0003"],
      ["0001", "0002", "0003"],
      ["0002", "0003"],
    ],
    // Rolled back before, by hand.
    [["0002", "0003"], ["0001", "0002"], ["0002"]],
    [["0003"], ["0001", "0002"], []],
  ])("of a release that applied %j, with %j applied: %j", (released, applied, taken) => {
    expect(migrationsToRollBack(released, applied)).toEqual(taken);
  });

  it("are not those of another release", () => {
    expect(() => migrationsToRollBack(["0002"], ["0001", "0002", "0003"])).toThrow("0003 was applied after 0002");
  });
});
