import type { Fate } from "./fault-proxy.ts";

/** How many seconds a call may take in the database; tests need not wait for as long as people. */
export const CALL_SECONDS = 3;
/** Longer than the server waits for one answer, and than a call may take. */
const [LONG, LONGER] = [CALL_SECONDS * 0.8, CALL_SECONDS * 1.2];

/** What is known of a call that met a fault. */
export type Effect = "refused" | "not known, not done" | "not known, done";

/** Each fault upon the request that carries a call out. */
export const faults: readonly (readonly [name: string, fate: Fate, effect: Effect])[] = [
  ["a serialization failure (40001)", { fault: "sqlstate", code: "40001" }, "refused"],
  ["a deadlock (40P01)", { fault: "sqlstate", code: "40P01" }, "refused"],
  ["a lock that is not to be had (55P03)", { fault: "sqlstate", code: "55P03" }, "refused"],
  ["a transaction that idled (25P03)", { fault: "sqlstate", code: "25P03" }, "refused"],
  ["a standby (25006)", { fault: "sqlstate", code: "25006" }, "refused"],
  ["no connections left (53300)", { fault: "sqlstate", code: "53300" }, "refused"],
  ["404 before it", { fault: "status_404_before" }, "refused"],
  ["429 before it", { fault: "status_429_before" }, "refused"],
  ["500 before it", { fault: "status_500_before" }, "not known, not done"],
  ["502 before it", { fault: "status_502_before" }, "not known, not done"],
  ["503 before it", { fault: "status_503_before" }, "not known, not done"],
  ["a reset before it", { fault: "reset_before" }, "not known, not done"],
  ["held until it is too late", { fault: "late", seconds: LONGER }, "not known, not done"],
  ["a reset before it, and it comes too late", { fault: "reset_then_late", seconds: LONGER }, "not known, not done"],
  ["a reset after it", { fault: "reset_after" }, "not known, done"],
  ["an answer that is cut", { fault: "cut" }, "not known, done"],
  ["an empty answer", { fault: "empty" }, "not known, done"],
  ["a garbled answer", { fault: "garbage" }, "not known, done"],
  ["a truncated answer", { fault: "truncated" }, "not known, done"],
  ["an answer that lacks its last result", { fault: "short" }, "not known, done"],
  ["an answer of another shape", { fault: "misshapen" }, "not known, done"],
  ["500 after it", { fault: "status_500_after" }, "not known, done"],
  ["503 after it", { fault: "status_503_after" }, "not known, done"],
  ["silence after it", { fault: "silent", seconds: LONG }, "not known, done"],
];
/** A few of each effect: what a call of one kind does about a fault, one of another does by the same code. */
const FEW = [
  "no connections left (53300)",
  "503 before it",
  "a reset before it",
  "a reset after it",
  "an answer that lacks its last result",
  "silence after it",
];
export const few = faults.filter(([name]) => FEW.includes(name));
/** One of each effect. */
export const examples = faults.filter(([name]) =>
  ["429 before it", "a reset before it", "a reset after it"].includes(name),
);
