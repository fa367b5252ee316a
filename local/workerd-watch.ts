import { ChildProcess, spawn } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { basename } from "node:path";
import { z } from "zod";

/** Sees to it that workerd does not outlive this process. */
export interface WorkerdWatch {
  /** Ends the watch, once workerd has ended in good order. */
  end(): Promise<void>;
}

const CHILD_PROCESS_CHANNEL = "child_process";
const childProcessMessage = z.object({ process: z.instanceof(ChildProcess) });

// Its input ends with this process, however that ends; then it kills the workerd it heard of last. Ctrl-C reaches it
// as well, and must not end it.
const WATCHER = `trap '' INT TERM HUP; while read -r pid; do last=$pid; done; [ -z "$last" ] || kill -9 "$last"`;

/**
 * Starts watching, to be called before Miniflare is started: workerd stays behind, and keeps its port, when the
 * process that started it is killed.
 */
export function watchWorkerd(): WorkerdWatch {
  const watcher = spawn("/bin/sh", ["-c", WATCHER], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  // Without a watcher the server works as well; only a kill -9 then leaves workerd behind.
  watcher.on("error", () => undefined);
  watcher.stdin.on("error", () => undefined);
  const tellOf = (message: unknown): void => {
    const { process } = childProcessMessage.parse(message);
    process.once("spawn", () => {
      if (basename(process.spawnfile) === "workerd") watcher.stdin.write(`${process.pid}\n`);
    });
  };
  subscribe(CHILD_PROCESS_CHANNEL, tellOf);
  return {
    async end() {
      unsubscribe(CHILD_PROCESS_CHANNEL, tellOf);
      if (watcher.exitCode !== null || watcher.pid === undefined) return;
      const exited = once(watcher, "exit");
      watcher.stdin.end("\n");
      await exited;
    },
  };
}
