import { readFile, writeFile } from "node:fs/promises";

/** How much memory a process has and has had at most, in bytes (proc(5), status). */
export interface Memory {
  readonly now: number;
  readonly peak: number;
}

/** Has a process' peak begin anew at what it has now (proc(5), clear_refs). */
export async function resetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, "5");
}

/** The resident memory of a process, and its peak since it was reset. */
export async function memoryOf(pid: number): Promise<Memory> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return { now: bytesOf(status, "VmRSS"), peak: bytesOf(status, "VmHWM") };
}

function bytesOf(status: string, name: string): number {
  const [, kibibytes] = new RegExp(`^${name}:\\s*(\\d+) kB$`, "m").exec(status) ?? [];
  if (kibibytes === undefined) throw new Error(`no ${name} in the status of the process`);
  return Number(kibibytes) * 1024;
}
