import { ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { basename } from "node:path";
import { z } from "zod";
import { type ProcessWatch, startProcessWatch } from "./process-watch.ts";

const CHILD_PROCESS_CHANNEL = "child_process";
const childProcessMessage = z.object({ process: z.instanceof(ChildProcess) });

/**
 * Watches over the workerd that Miniflare starts, to be called before that: workerd stays behind, and keeps its port,
 * when the process that started it is killed.
 */
export function watchWorkerd(): Pick<ProcessWatch, "end"> {
  const watch = startProcessWatch();
  const notice = (message: unknown): void => {
    const { process } = childProcessMessage.parse(message);
    process.once("spawn", () => {
      if (process.pid !== undefined && basename(process.spawnfile) === "workerd") watch.over(process.pid);
    });
  };
  subscribe(CHILD_PROCESS_CHANNEL, notice);
  return {
    end() {
      unsubscribe(CHILD_PROCESS_CHANNEL, notice);
      return watch.end();
    },
  };
}
