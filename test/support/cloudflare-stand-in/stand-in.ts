import { createServer } from "node:http";
import { listenOnLoopback } from "../../../local/loopback-server.ts";
import { WorkerScript } from "./account.ts";
import { type Account, answerApi } from "./api.ts";
import { startEdge } from "./edge.ts";
import { startTail } from "./tail.ts";
import type { Outbound } from "./version-runtime.ts";

/** An account of Cloudflare on loopback. */
export interface CloudflareStandIn {
  /** What leads wrangler here and not to Cloudflare. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where the edge before a worker listens. */
  edgeUrl(scriptName: string): string;
  script(name: string): WorkerScript | undefined;
  /** A worker that has no version yet. */
  addScript(name: string): WorkerScript;
  /** Titles of KV namespaces, by their id. */
  readonly namespaces: Map<string, string>;
  /** Routes of the API that fail, by method and path as api.ts has them. */
  readonly broken: Set<string>;
  close(): Promise<void>;
}

const ACCOUNT_ID = "a".repeat(32);
const API_TOKEN = "the-stand-in's-token";

/**
 * Starts a stand-in of Cloudflare's API and edge, which runs each uploaded bundle in a workerd of its own.
 *
 * @param hostnames the workers and the host each is reached by
 * @param outbound answers what they fetch
 */
export async function startCloudflareStandIn(
  hostnames: Readonly<Record<string, string>>,
  outbound: Outbound,
): Promise<CloudflareStandIn> {
  const scripts = new Map<string, WorkerScript>();
  const edges = new Map(
    await Promise.all(
      Object.keys(hostnames).map(async (name) => [name, await startEdge(name, () => scripts.get(name))] as const),
    ),
  );
  const tail = await startTail((name) => scripts.get(name));
  const account: Account = {
    id: ACCOUNT_ID,
    token: API_TOKEN,
    scripts,
    namespaces: new Map(),
    broken: new Set(),
    makeScript: (name) => new WorkerScript(name, hostnames[name] ?? "unknown.invalid", outbound),
    tailUrl: tail.url,
  };
  const api = createServer((request, response) => void answerApi(account, request, response));
  const { url: apiUrl, close: closeApi } = await listenOnLoopback(api);
  return {
    environment: {
      CLOUDFLARE_API_BASE_URL: `${apiUrl}/client/v4`,
      CLOUDFLARE_API_TOKEN: API_TOKEN,
      CLOUDFLARE_ACCOUNT_ID: ACCOUNT_ID,
      CI: "1",
    },
    edgeUrl(name) {
      const edge = edges.get(name);
      if (edge === undefined) throw new Error(`no edge was started for ${name}`);
      return edge.url;
    },
    script: (name) => scripts.get(name),
    addScript(name) {
      const script = account.makeScript(name);
      scripts.set(name, script);
      return script;
    },
    namespaces: account.namespaces,
    broken: account.broken,
    async close() {
      await tail.close();
      await closeApi();
      for (const edge of edges.values()) await edge.close();
      for (const script of scripts.values()) await script.close();
    },
  };
}
