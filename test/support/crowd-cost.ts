import type { FaultyServer } from "./fault-proxy/faulty-server.ts";
import { memoryOf, resetPeak } from "./memory.ts";

/** What a piece of work cost the worker and those who ask it meanwhile. */
export interface CrowdCost<Result> {
  readonly result: Result;
  /** By how many bytes the memory of workerd grew at most. */
  readonly growth: number;
  /** How long `/health` took at most, in milliseconds. */
  readonly longestHealth: number;
}

const PAUSE_MILLISECONDS = 50;

/** How long a request takes until its answer is read, in milliseconds. */
async function millisecondsOf(send: () => Promise<Response>): Promise<number> {
  const startedAt = performance.now();
  await (await send()).text();
  return performance.now() - startedAt;
}

/** How long one hash takes as the machine is now, in milliseconds: of three sign-ins in a row, the longest. */
export async function oneHash(signIn: () => Promise<Response>): Promise<number> {
  let longest = 0;
  for (let round = 0; round < 3; round += 1) longest = Math.max(longest, await millisecondsOf(signIn));
  return longest;
}

/** Does something while `/health` is asked over and over. @returns what that cost */
export async function crowdCost<Result>(
  { url, pid }: Pick<FaultyServer, "url" | "pid">,
  work: () => Promise<Result>,
): Promise<CrowdCost<Result>> {
  await resetPeak(pid);
  const { now } = await memoryOf(pid);
  let isOver = false;
  const asking = (async () => {
    let longest = 0;
    while (!isOver) {
      longest = Math.max(longest, await millisecondsOf(() => fetch(`${url}/health`)));
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
    }
    return longest;
  })();
  const result = await work().finally(() => {
    isOver = true;
  });
  const longestHealth = await asking;
  const { peak } = await memoryOf(pid);
  return { result, growth: peak - now, longestHealth };
}
