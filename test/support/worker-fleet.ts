import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare, NoOpLog } from "miniflare";
import { z } from "zod";
import { projectDirectory } from "../../local/environment.ts";
import { modulesOf } from "../../local/worker-bundle.ts";
import { childrenOf } from "./processes.ts";

/** Several workers of one bundle, each an isolate of its own, behind one address. */
export interface WorkerFleet {
  readonly url: string;
  /** Of workerd, in which all of them run. */
  readonly pid: number;
  /** What they have logged until now, line by line. */
  readonly log: readonly string[];
  close(): Promise<void>;
}

interface FleetOptions {
  /** The path of the bundle, as `bundleWorker` makes it. */
  readonly bundle: string;
  readonly port: number;
  readonly size: number;
  readonly bindings: Readonly<Record<string, string>>;
  /** A directory for whatever workerd writes. */
  readonly temporary: string;
}

const bindingsSchema = z.record(z.string(), z.json()).default({});
const limitersSchema = z.record(
  z.string(),
  z.object({ namespace_id: z.string(), simple: z.object({ period: z.literal([10, 60]) }) }),
);
const objectsSchema = z.record(z.string(), z.object({ className: z.string(), useSQLite: z.boolean() }));

const ROUND_ROBIN = `
  let next = 0;
  export default {
    fetch(request, env) {
      next += 1;
      return env[\`WORKER_\${next % env.SIZE}\`].fetch(request);
    },
  };
`;

/**
 * Starts the workers in one workerd, behind a worker that gives each its turn. Their Durable Objects are those of the
 * first, as in production, where all isolates of a worker share them. Rate limits are out of reach.
 */
export async function startWorkerFleet({
  bundle,
  port,
  size,
  bindings,
  temporary,
}: FleetOptions): Promise<WorkerFleet> {
  const makeWorker = await readWorkerOptions(bindings, temporary);
  const names = Array.from({ length: size }, (_, index) => `worker-${index}`);
  const roundRobin = {
    name: "round-robin",
    modules: true,
    script: ROUND_ROBIN,
    compatibilityDate: "2026-11-01",
    bindings: { SIZE: size },
    serviceBindings: Object.fromEntries(names.map((name, index) => [`WORKER_${index}`, name])),
    unsafeDirectSockets: [{ host: "127.0.0.1", port }],
  };
  const workers = names.map((name) => makeWorker({ name, bundle, objectsOf: "worker-0" }));
  const log: string[] = [];
  const earlier = await workerdProcesses();
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      log: new NoOpLog(),
      handleStructuredLogs: ({ message }) => log.push(message),
      resourcePersistencePath: join(temporary, "storage"),
      workers: [roundRobin, ...workers],
    }),
  );
  await miniflare.ready;
  const pid = (await workerdProcesses()).find((process) => !earlier.includes(process));
  if (pid === undefined) throw new Error("workerd does not run");
  return { url: `http://127.0.0.1:${port}`, pid, log, close: () => miniflare.dispose() };
}

/** A worker of a fleet. */
interface FleetWorker {
  readonly name: string;
  readonly bundle: string;
  /** The name of the worker whose Durable Objects it uses, perhaps its own. */
  readonly objectsOf: string;
}

/**
 * Reads wrangler.toml as `wrangler dev` does.
 *
 * @returns what makes miniflare's options of a worker; its rate limits are out of reach
 */
export async function readWorkerOptions(bindings: Readonly<Record<string, string>>, temporary: string) {
  // wrangler would warn of the secrets that are missing here; they are given below.
  const quiet = { WRANGLER_SEND_METRICS: "false", WRANGLER_LOG: "none" };
  Object.assign(process.env, quiet, { WRANGLER_LOG_PATH: join(temporary, "wrangler-logs") });
  const { unstable_getMiniflareWorkerOptions } = await import("wrangler");
  const { workerOptions } = unstable_getMiniflareWorkerOptions(join(projectDirectory, "wrangler.toml"));
  const { modulesRules: _, bindings: configured, ratelimits, durableObjects, ...options } = workerOptions;
  const limiters = Object.entries(limitersSchema.parse(ratelimits)).map(([name, limiter]) => {
    const raised = { ...limiter, simple: { ...limiter.simple, limit: 1_000_000 } };
    return [name, raised] as const;
  });
  const objects = Object.entries(objectsSchema.parse(durableObjects));
  return ({ name, bundle, objectsOf }: FleetWorker) => ({
    ...options,
    name,
    ...modulesOf(bundle),
    bindings: { ...bindingsSchema.parse(configured), ...bindings },
    ratelimits: Object.fromEntries(limiters),
    durableObjects: Object.fromEntries(
      objects.map(([binding, object]) => [binding, name === objectsOf ? object : { ...object, scriptName: objectsOf }]),
    ),
  });
}

async function workerdProcesses(): Promise<number[]> {
  const children = await childrenOf(process.pid);
  const names = await Promise.all(children.map((pid) => readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")));
  return children.filter((_, index) => names[index]?.trim() === "workerd");
}
