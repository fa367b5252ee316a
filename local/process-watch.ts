import { spawn } from "node:child_process";
import { once } from "node:events";

/** Sees to it that a process does not outlive this one. */
export interface ProcessWatch {
  /** Watches this process from now on, and no other. */
  over(pid: number): void;
  /** Ends the watch, once the watched process has ended in good order. */
  end(): Promise<void>;
}

// Its input ends with this process, however that ends; then it kills the one it heard of last. Ctrl-C reaches it as
// well, and must not end it.
const WATCHER = `trap '' INT TERM HUP; while read -r pid; do last=$pid; done; [ -z "$last" ] || kill -9 "$last"`;

/** Starts a watch, over nothing yet. */
export function startProcessWatch(): ProcessWatch {
  const watcher = spawn("/bin/sh", ["-c", WATCHER], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  // Without a watcher everything works as well; only a kill -9 then leaves the other process behind.
  watcher.on("error", () => undefined);
  watcher.stdin.on("error", () => undefined);
  return {
    over(pid) {
      watcher.stdin.write(`${pid}\n`);
    },
    async end() {
      if (watcher.exitCode !== null || watcher.signalCode !== null || watcher.pid === undefined) return;
      const exited = once(watcher, "exit");
      watcher.stdin.end("\n");
      await exited;
    },
  };
}
