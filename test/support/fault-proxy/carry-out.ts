import { wait } from "../obedient-client.ts";
import type { PlannedWrite } from "./planned-writes.ts";

/** A client that is told so often that nothing was done says so. */
const MOST_TRIES = 30;

/** How a write went, as far as its client knows. */
export interface WriteReport {
  readonly write: PlannedWrite;
  readonly end: "done" | "given up" | "refused";
  /** Whether its client has found it done by looking, and not by an answer. */
  readonly isFoundByLooking: boolean;
  /** How often it was told that nothing was changed, and that it may have been carried out. */
  readonly failures: number;
  readonly unknowns: number;
  /** What was told that must not be told. */
  readonly wrongs: readonly string[];
}

/**
 * Makes one write as it is told to, until it is done or given up: again after Retry-After alone, and where it may have been
 * carried out, by its key, or after a look.
 */
export async function carryOut(write: PlannedWrite): Promise<WriteReport> {
  const { isKeyed, givesUp } = write;
  let failures = 0;
  let unknowns = 0;
  const wrongs: string[] = [];
  const report = (end: WriteReport["end"], isFoundByLooking = false): WriteReport => {
    return { write, end, isFoundByLooking, failures, unknowns, wrongs };
  };
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const told = await write.call();
    switch (told.answer) {
      case "done":
        return report("done");
      case "refused":
        wrongs.push(`${told.status} ${told.text}`);
        return report("refused");
      case "nothing changed":
        failures += 1;
        // A call that was not sent knows nothing of the one before it, with the same key.
        if (unknowns === 0) {
          if ((await write.times()) !== 0) wrongs.push("told that nothing was changed, yet it was");
          if (givesUp) return report("given up");
        }
        await wait(told.retryAfter);
        break;
      case "unknown":
        unknowns += 1;
        if ((told.retryAfter !== undefined) !== isKeyed) wrongs.push("told to repeat without a key, or not with one");
        if (isKeyed) await wait(told.retryAfter ?? 0);
        else if (await write.look()) return report("done", true);
        else if (givesUp) return report("given up");
    }
  }
  wrongs.push(`not done after ${MOST_TRIES} tries`);
  return report("refused");
}
