import { RunbookError } from "../runbook-error.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs work that clears up behind itself when the process is asked to end: what it is given is aborted then, and the
 * process ends when the work has. Asked twice, it ends at once.
 */
export async function clearingUp<Result>(work: (interrupted: AbortSignal) => Promise<Result>): Promise<Result> {
  const interruption = new AbortController();
  let received: NodeJS.Signals | undefined;
  const interrupt = (signal: NodeJS.Signals): void => {
    stopListening();
    received = signal;
    interruption.abort(new RunbookError(`stopped by ${signal}`));
  };
  const stopListening = (): void => {
    for (const signal of SIGNALS) process.off(signal, interrupt);
  };
  for (const signal of SIGNALS) process.on(signal, interrupt);
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
