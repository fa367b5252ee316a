import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { PATIENCE } from "./patience.ts";

/** The programs of Debian's packages prometheus and prometheus-alertmanager that tests run. */
const programs = ["prometheus", "promtool", "prometheus-alertmanager", "amtool"] as const;

type Program = (typeof programs)[number];

/**
 * Those of the programs that are not installed.
 *
 * @throws Error where CI, which must not skip their tests, lacks any
 */
export function missingPrograms(): Program[] {
  const directories: string[] = (process.env.PATH ?? "").split(delimiter);
  const missing = programs.filter((name) => !directories.some((directory) => existsSync(join(directory, name))));
  if (missing.length > 0 && process.env.CI === "true") {
    throw new Error(`not installed: ${missing.join(", ")}; CI must not skip their tests`);
  }
  return missing;
}

/** What a program printed and how it ended. */
export interface ProgramRun {
  readonly code: number;
  readonly output: string;
}

/** Runs a program to its end, whatever that is. */
export async function runProgram(name: Program, args: readonly string[], input = ""): Promise<ProgramRun> {
  const running = promisify(execFile)(name, [...args]);
  running.child.stdin?.end(input);
  return running.then(
    ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
    (error: { code?: number; stdout?: string; stderr?: string }) => ({
      code: error.code ?? -1,
      output: `${error.stdout ?? ""}${error.stderr ?? ""}`,
    }),
  );
}

/** A server among the programs, while it runs. */
export interface RunningProgram {
  close(): Promise<void>;
}

/** Starts a server and waits until it says that it is ready, at `/-/ready`. */
export async function startProgram(
  name: Program,
  args: readonly string[],
  url: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<RunningProgram> {
  const child = spawn(name, [...args], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...variables },
  });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const until = Date.now() + PATIENCE;
  while (Date.now() < until) {
    if (child.exitCode !== null) throw new Error(`${name} ended: ${errors}`);
    const isReady = await fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return { close: () => end(child) };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await end(child);
  throw new Error(`${name} was not ready in time: ${errors}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}
