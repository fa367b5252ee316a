import { env } from "cloudflare:workers";
import { expect } from "vitest";
import { z } from "zod";
import { readSamples, type Sample, sumOf } from "./metrics-text.ts";
import { PATIENCE } from "./patience.ts";
import { send } from "./person.ts";

/** What reads `/metrics` in the tests. */
export const METRICS_TOKEN = z.string().parse(Reflect.get(env, "METRICS_TOKEN"));
/** Counts are handed over every 2 seconds. */
const HAND_OVER_MILLISECONDS = 2_500;

/** Reads `/metrics`. */
export async function scrape(): Promise<Sample[]> {
  const response = await send("/metrics", { headers: { Authorization: `Bearer ${METRICS_TOKEN}` } });
  expect(response.status).toBe(200);
  return readSamples(await response.text());
}

/** By how much the sum of some series grows through some work. */
export async function growthOf(
  work: () => Promise<unknown>,
  series: readonly (readonly [name: string, labels?: Record<string, string>])[],
  expected: readonly number[],
): Promise<void> {
  // Nothing would grow by nothing just as well.
  expect(expected).not.toContain(0);
  const before = await scrape();
  await work();
  const end = Date.now() + PATIENCE;
  let grown: number[] = [];
  while (Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    const after = await scrape();
    grown = series.map(([name, labels]) => sumOf(after, name, labels) - sumOf(before, name, labels));
    if (grown.every((value, index) => value === expected[index])) break;
  }
  expect(grown).toEqual(expected);
}

/** Waits until all that other files have done with this worker is counted. */
export async function othersCounted(): Promise<void> {
  const counted = async () => {
    const requests = (await scrape()).filter(({ name }) => name === "http_requests_total");
    return JSON.stringify(requests.filter(({ labels }) => labels.route !== "/metrics"));
  };
  let before: string;
  let now = await counted();
  do {
    before = now;
    await new Promise((resolve) => setTimeout(resolve, HAND_OVER_MILLISECONDS));
    now = await counted();
  } while (now !== before);
}
