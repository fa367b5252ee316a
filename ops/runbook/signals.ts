const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Has a listener told, in place of Node's ending the process, that this is asked to end. @returns what stops that */
export function onAskedToEnd(listener: (signal: NodeJS.Signals) => void): () => void {
  for (const signal of SIGNALS) process.on(signal, listener);
  return () => {
    for (const signal of SIGNALS) process.off(signal, listener);
  };
}
