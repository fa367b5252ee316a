import { seededRandom } from "../seeded-random.ts";
import type { Choose } from "./fault-proxy.ts";
import type { FaultName } from "./faults.ts";

/** The faults that a random choice is made of, with how often each comes beside the others. */
const shares: readonly (readonly [fault: FaultName, share: number])[] = [
  ["reset_before", 3],
  ["sqlstate", 3],
  ["status_404_before", 1],
  ["status_429_before", 1],
  ["status_500_before", 1],
  ["status_502_before", 1],
  ["status_503_before", 1],
  ["late", 1],
  ["slow", 2],
  ["reset_then_late", 1],
  ["reset_after", 3],
  ["cut", 2],
  ["empty", 1],
  ["garbage", 1],
  ["truncated", 1],
  ["short", 1],
  ["misshapen", 2],
  ["status_500_after", 1],
  ["status_503_after", 1],
  ["silent", 1],
];
const bag = shares.flatMap(([fault, share]) => new Array<FaultName>(share).fill(fault));

/** SQLSTATEs that another try may mend. */
const CODES = ["40001", "40P01", "55P03", "25P03", "25006", "53300", "57P03"];

/** How long those take that take time, as parts of the time that a call may take in the database: from the first to the second. */
const durations: Partial<Record<FaultName, readonly [least: number, most: number]>> = {
  late: [0.1, 1.5],
  reset_then_late: [0.1, 1.5],
  slow: [0.05, 0.3],
  silent: [1, 1.5],
};

/**
 * Faults at random, of all kinds. The same seed gives the same faults to the requests in the order in which they come; which
 * of several at a time comes first is not in its hands.
 *
 * @param share how many of the requests meet one, from 0 to 1
 * @param callSeconds how long a call may take in the database
 */
export function seededFaults(seed: number, share: number, callSeconds: number): Choose {
  const random = seededRandom(seed);
  return () => {
    // As many numbers for each request, so that one does not move all others.
    const [isHit, which, howMuch] = [random() < share, random(), random()];
    const fault = isHit ? bag[Math.floor(which * bag.length)] : undefined;
    if (fault === undefined) return { fault: "none" };
    const [least, most] = durations[fault] ?? [0, 0];
    const code = CODES[Math.floor(howMuch * CODES.length)] ?? "40001";
    return { fault, code, seconds: callSeconds * (least + howMuch * (most - least)) };
  };
}
