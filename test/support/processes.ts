import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { PATIENCE } from "./patience.ts";

/** A loopback port that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return address.port;
}

/** The processes that a process started and that still run. */
export async function childrenOf(pid: number): Promise<number[]> {
  const running = await Promise.all(
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(async (name) => ({ pid: Number(name), ...(await readState(name)) })),
  );
  return running.filter(({ parent, ended }) => parent === pid && !ended).map((child) => child.pid);
}

/** Whether a process still runs; one that has ended but was not reaped does not. */
async function isRunning(pid: number): Promise<boolean> {
  return !(await readState(String(pid))).ended;
}

/** kill -9, for a process that may have ended already. */
export function killIfRunning(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/**
 * Waits until processes have ended.
 *
 * @throws Error naming those that still run
 */
export async function untilEnded(pids: readonly number[]): Promise<void> {
  const until = Date.now() + PATIENCE;
  for (;;) {
    const running = [];
    for (const pid of pids) if (await isRunning(pid)) running.push(pid);
    if (running.length === 0) return;
    if (Date.now() > until) throw new Error(`still running: ${running.join(", ")}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function readState(pid: string): Promise<{ parent: number; ended: boolean }> {
  // A process may end between being listed and being read.
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const [state = "Z", parent = "0"] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { parent: Number(parent), ended: stat === "" || state === "Z" || state === "X" };
}
