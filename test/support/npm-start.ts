import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { TEST_LIMIT } from "./patience.ts";
import { childrenOf, freePort, killIfRunning, untilEnded } from "./processes.ts";

/** What `npm start` has started. */
export interface StartedServer {
  readonly pid: number;
  readonly url: string;
  /** The token and the password it printed. */
  readonly token: string;
  readonly password: string | undefined;
  /** Everything it printed so far. */
  output(): string;
  errors(): string;
  /** Every process that it is made of, itself included. */
  processes(): Promise<number[]>;
  /** What Ctrl-C does in a terminal: the signal goes to every process of the group. */
  pressControlC(): Promise<number | null>;
  /** Sends a signal to the first process alone, npm or the start, as a process supervisor does. */
  signal(name: NodeJS.Signals): Promise<number | null>;
  /** Looks up every process, so that calling the result is a kill -9 of everything at once. */
  prepareKill(): Promise<() => Promise<void>>;
}

/** Where a start lives: an empty home, a data directory, a port. */
export interface StartPlace {
  readonly home: string;
  readonly dataDirectory: string;
  readonly port: number;
  /** What was started here. */
  readonly started: ChildProcess[];
  /** Kills what still runs here, waits until it has ended, as it writes until then, and removes everything. */
  remove(): Promise<void>;
}

/** A start that has said nothing by then hangs; the test still has the time to say so. */
const STARTED_WITHIN_MILLISECONDS = TEST_LIMIT / 2;
const projectDirectory = join(import.meta.dirname, "../..");

/** Makes an empty home directory and finds a free port. */
export async function makeStartPlace(): Promise<StartPlace> {
  const home = await mkdtemp(join(tmpdir(), "tasks-home-"));
  const started: ChildProcess[] = [];
  return {
    home,
    dataDirectory: join(home, "data"),
    port: await freePort(),
    started,
    async remove() {
      for (const { pid, exitCode, signalCode } of started) {
        if (pid !== undefined && exitCode === null && signalCode === null) await killAll(await familyOf(pid));
      }
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** What package.json says `npm start` is: a test that is not of npm does without the second and more that npm takes. */
const WITHOUT_NPM = [process.execPath, "local/start.ts"];
const WITH_NPM = ["npm", "start", "--silent"];

/** Runs `npm start` until it has printed everything; fails with what it wrote when it ends before. */
export function npmStart(place: StartPlace, variables: Record<string, string> = {}): Promise<StartedServer> {
  return runStart(WITH_NPM, place, variables);
}

/** Runs what `npm start` runs, until it has printed everything; fails with what it wrote when it ends before. */
export function startServer(place: StartPlace, variables: Record<string, string> = {}): Promise<StartedServer> {
  return runStart(WITHOUT_NPM, place, variables);
}

async function runStart(
  command: readonly string[],
  place: StartPlace,
  variables: Record<string, string>,
): Promise<StartedServer> {
  const run = spawnStart(command, place, variables);
  await run.until(/Ctrl-C stops it/);
  const token = /^TOKEN=(\S+)$/m.exec(run.output())?.[1];
  if (token === undefined) throw new Error(`npm start printed no token: ${run.output()}`);
  const exited = (): Promise<number | null> => run.exited;
  return {
    pid: run.pid,
    url: `http://127.0.0.1:${place.port}`,
    token,
    password: /Password +(\S+)/.exec(run.output())?.[1],
    output: run.output,
    errors: run.errors,
    processes: () => familyOf(run.pid),
    pressControlC() {
      process.kill(-run.pid, "SIGINT");
      return exited();
    },
    signal(name) {
      process.kill(run.pid, name);
      return exited();
    },
    async prepareKill() {
      const processes = await familyOf(run.pid);
      return async () => {
        await killAll(processes);
        await run.exited;
      };
    },
  };
}

/** Pastes the lines that a start printed into a shell, and returns what each wrote. */
export async function pasteCurlLines(server: StartedServer): Promise<unknown[]> {
  const lines = server.output().split("\n");
  const [tokenLine, ...calls] = lines.slice(lines.findIndex((line) => line.startsWith("TOKEN=")));
  const commands = calls.filter((line) => line.startsWith("curl "));
  const answers: unknown[] = [];
  for (const command of commands) {
    const { stdout } = await promisify(execFile)("/bin/sh", ["-c", `${tokenLine}\n${command}`]);
    answers.push(JSON.parse(stdout));
  }
  return answers;
}

interface FailedStart {
  readonly code: number | null;
  readonly errors: string;
  readonly milliseconds: number;
}

/** Runs an `npm start` that is expected to fail. */
export function failingNpmStart(place: StartPlace): Promise<FailedStart> {
  return runFailingStart(WITH_NPM, place, {});
}

/** Runs what `npm start` runs, where that is expected to fail. */
export function failingStart(place: StartPlace, variables: Record<string, string> = {}): Promise<FailedStart> {
  return runFailingStart(WITHOUT_NPM, place, variables);
}

async function runFailingStart(
  command: readonly string[],
  place: StartPlace,
  variables: Record<string, string>,
): Promise<FailedStart> {
  const begun = performance.now();
  const run = spawnStart(command, place, variables);
  const code = await run.exited;
  return { code, errors: run.errors(), milliseconds: performance.now() - begun };
}

function spawnStart(
  command: readonly string[],
  { home, dataDirectory, port, started }: StartPlace,
  variables: Record<string, string>,
) {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const environment = { PATH, NODE_COMPILE_CACHE, HOME: home, PORT: port, DATA_DIR: dataDirectory, ...variables };
  const settings = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const child = spawn("env", ["-i", ...settings, ...command], {
    cwd: projectDirectory,
    // A process group of its own, as a terminal gives it.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command.join(" ")} cannot be run`);
  started.push(child);
  const output = collect(child.stdout);
  const errors = collect(child.stderr);
  const exited = once(child, "close").then(() => child.exitCode);
  return { pid, output, errors, exited, until: (text: RegExp) => untilPrinted(child, output, errors, text) };
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    text += chunk;
  });
  return () => text;
}

async function untilPrinted(child: ChildProcess, output: () => string, errors: () => string, text: RegExp) {
  const end = Date.now() + STARTED_WITHIN_MILLISECONDS;
  while (!text.test(output())) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > end) {
      const state = `code ${child.exitCode}, signal ${child.signalCode}`;
      throw new Error(`npm start did not start (${state}): ${errors()}${output()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function killAll(processes: readonly number[]): Promise<void> {
  for (const pid of processes) killIfRunning(pid);
  await untilEnded(processes);
}

async function familyOf(pid: number): Promise<number[]> {
  const families = await Promise.all((await childrenOf(pid)).map(familyOf));
  return [pid, ...families.flat()];
}
