import type { Procedure } from "../procedure.ts";
import { RunbookError } from "../runbook-error.ts";
import { onAskedToEnd } from "../signals.ts";

/**
 * Does work that must not be left half done: told to stop, the process does not end, but the signal it hands to the work
 * is aborted, and the work comes to an end of its own.
 */
export async function interruptible<Result>(
  procedure: Procedure,
  work: (interruption: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const stopListening = onAskedToEnd((signal) => {
    // Ctrl-C comes twice, from the terminal and from npm.
    if (controller.signal.aborted) return;
    controller.abort(new RunbookError(`interrupted by ${signal}`));
    procedure.note(`${signal}: no further step is begun; what has been deployed is rolled back`);
  });
  // The terminal may have gone with the person who read it.
  const ignore = (): void => undefined;
  for (const stream of [process.stdout, process.stderr]) stream.on("error", ignore);
  try {
    return await work(controller.signal);
  } finally {
    stopListening();
    for (const stream of [process.stdout, process.stderr]) stream.off("error", ignore);
  }
}
