import { describe, expect, it } from "vitest";
import { refuseNewer } from "../../ops/runbook/release/rollback.ts";
import { versionBefore, wayTo } from "../../ops/runbook/release/rollback-target.ts";

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
    // A second rollback does not bring back what was taken back.
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

  it("is no newer one, however few deployments Cloudflare remembers", () => {
    const older = { id: "A", createdOn: "2026-01-01T10:00:00.000Z", migrationTag: undefined };
    const newer = { id: "B", createdOn: "2026-01-01T11:00:00.000Z", migrationTag: undefined };
    expect(() => refuseNewer(older, newer)).not.toThrow();
    expect(() => refuseNewer(newer, older)).toThrow(
      "version B is newer than A, and was taken back: name one with --to",
    );
  });
});
