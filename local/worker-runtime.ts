import { createServer } from "node:net";
import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare, NoOpLog } from "miniflare";
import { z } from "zod";
import type { DataDirectory } from "./data-directory.ts";
import { EDGE_SCRIPT } from "./edge-script.ts";
import { projectDirectory } from "./environment.ts";
import { LogFile } from "./log-file.ts";
import { HOST } from "./loopback-server.ts";
import { StartError } from "./start-error.ts";
import { modulesOf } from "./worker-bundle.ts";
import { watchWorkerd } from "./workerd-watch.ts";

const dateSchema = z.object({ compatibilityDate: z.string() });
const bindingsSchema = z.record(z.string(), z.json()).default({});

/**
 * Makes sure that a port is free.
 *
 * @throws StartError naming PORT
 */
export async function refuseTakenPort(port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => {
      const reason = "code" in error && error.code === "EADDRINUSE" ? "is in use" : `cannot be used: ${error.message}`;
      reject(new StartError(`port ${port} ${reason}; set PORT to another one`, { cause: error }));
    });
    server.listen(port, HOST, resolve);
  });
  await new Promise((resolve) => server.close(resolve));
}

/** How often Cloudflare would run the worker's schedule: every ten minutes, as wrangler.toml says. */
const SCHEDULE_MILLISECONDS = 10 * 60 * 1000;

/** The worker in workerd. */
export interface RunningWorker {
  /**
   * Settles once it answers.
   *
   * @throws StartError when workerd does not take it
   */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

/**
 * Runs the bundle in workerd with wrangler.toml's bindings and those given, which come first. What the worker logs
 * goes to the data directory.
 */
export async function runWorker(
  bundle: string,
  port: number,
  bindings: Readonly<Record<string, string>>,
  data: DataDirectory,
): Promise<RunningWorker> {
  const { configured, ...options } = await readWorkerOptions(data.temporary);
  const log = openLog(data.workerLog);
  const watch = watchWorkerd();
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      // Miniflare's own door; the worker's is the edge's.
      host: HOST,
      port: 0,
      cf: false,
      log: new NoOpLog(),
      handleStructuredLogs: ({ message }) => log.write(message),
      resourcePersistencePath: data.workerStorage,
      resourceTmpPath: data.temporary,
      workers: [
        {
          name: "edge",
          modules: true,
          script: EDGE_SCRIPT,
          compatibilityDate: options.compatibilityDate,
          // The worker has no name, as Miniflare would keep its Durable Objects elsewhere with another one.
          serviceBindings: { WORKER: "" },
          unsafeDirectSockets: [{ host: HOST, port }],
        },
        {
          ...options,
          ...modulesOf(bundle),
          bindings: { ...configured, ...bindings },
        },
      ],
    }),
  );
  const ready = untilReady(miniflare);
  // Miniflare runs no schedule by itself. What fails in a run is in the worker's log.
  const runSchedule = () => void ready.then(() => runScheduleOf(miniflare)).catch(() => undefined);
  const schedule = setInterval(runSchedule, SCHEDULE_MILLISECONDS);
  runSchedule();
  return {
    ready,
    async close() {
      clearInterval(schedule);
      await miniflare.dispose();
      await watch.end();
      log.close();
    },
  };
}

/** A log that cannot be written, as on a full disk, does not end the server: that is said once. */
function openLog(path: string): Pick<LogFile, "write" | "close"> {
  const file = new LogFile(path);
  let isBroken = false;
  return {
    write(line) {
      try {
        file.write(line);
      } catch (error) {
        if (isBroken) return;
        isBroken = true;
        process.stderr.write(`${path} cannot be written: ${error instanceof Error ? error.message : String(error)}\n`);
      }
    },
    close: () => file.close(),
  };
}

async function readWorkerOptions(temporary: string) {
  // wrangler would warn of the secrets that are missing here; they are given below.
  const quiet = { WRANGLER_SEND_METRICS: "false", WRANGLER_LOG: "none" };
  Object.assign(process.env, quiet, { WRANGLER_LOG_PATH: join(temporary, "wrangler-logs") });
  const { unstable_getMiniflareWorkerOptions } = await import("wrangler");
  const { workerOptions } = unstable_getMiniflareWorkerOptions(join(projectDirectory, "wrangler.toml"));
  const { modulesRules: _, bindings, ...options } = workerOptions;
  return { ...options, ...dateSchema.parse(workerOptions), configured: bindingsSchema.parse(bindings) };
}

async function runScheduleOf(miniflare: Miniflare): Promise<void> {
  // The worker has no name.
  const worker = await miniflare.getWorker("");
  await worker.scheduled();
}

async function untilReady(miniflare: Miniflare): Promise<void> {
  try {
    await miniflare.ready;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartError(`the worker does not start: ${reason}`, { cause: error });
  }
}
