import type { Health } from "../deployment.ts";
import { sleep } from "../duration.ts";
import { RunbookError, reasonOf } from "../runbook-error.ts";

const TIMES = 3;

/**
 * Waits until a version has answered several times in a row that it is healthy, with a pause in between.
 *
 * @param ask asks `/health`, and throws what is not healthy
 * @param timing milliseconds from one question to the next, and until it is given up
 * @throws RunbookError with what was answered last
 */
export async function awaitServing(
  ask: () => Promise<Health>,
  versionId: string,
  { every, within }: { readonly every: number; readonly within: number },
): Promise<string> {
  const until = Date.now() + within;
  for (let inARow = 0; ; ) {
    try {
      const { version } = await ask();
      if (version !== versionId) throw new RunbookError(`version ${version} still answers`);
      inARow += 1;
    } catch (error) {
      inARow = 0;
      if (Date.now() + every > until) throw new RunbookError(reasonOf(error), { cause: error });
    }
    if (inARow === TIMES) return `/health answered ${TIMES} times in a row, version ${versionId}`;
    await sleep(every);
  }
}
