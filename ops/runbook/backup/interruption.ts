import { RunbookError } from "../runbook-error.ts";
import { onAskedToEnd } from "../signals.ts";

/**
 * Runs work that clears up behind itself when the process is asked to end: what it is given is aborted then, and the
 * process ends when the work has. Asked twice, it ends at once.
 */
export async function clearingUp<Result>(work: (interrupted: AbortSignal) => Promise<Result>): Promise<Result> {
  const interruption = new AbortController();
  let received: NodeJS.Signals | undefined;
  const stopListening = onAskedToEnd((signal) => {
    stopListening();
    received = signal;
    interruption.abort(new RunbookError(`stopped by ${signal}`));
  });
  try {
    const result = await work(interruption.signal);
    interruption.signal.throwIfAborted();
    return result;
  } finally {
    stopListening();
    // Nobody listens now: the process ends by the signal, as its parent expects.
    if (received !== undefined) process.kill(process.pid, received);
  }
}
