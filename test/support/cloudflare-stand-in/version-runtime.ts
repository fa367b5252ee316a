import {
  convertV4MiniflareOptions,
  Miniflare,
  type Request as MiniflareRequest,
  type Response as MiniflareResponse,
  NoOpLog,
} from "miniflare";
import type { Upload } from "./upload.ts";

/** Answers what a worker fetches from the internet. */
export type Outbound = (request: MiniflareRequest) => Promise<MiniflareResponse>;

/** A version of a worker in a workerd of its own. */
export interface VersionRuntime {
  readonly startupMilliseconds: number;
  /** Does the work of one request with the address of its workerd. */
  serve(work: (url: URL) => Promise<void>): Promise<void>;
  /** Ends it once the requests that it has are answered, as Cloudflare does; those that go on for long are cut off. */
  close(): Promise<void>;
}

const DRAINED_WITHIN_MILLISECONDS = 5_000;

/** What makes a version: its bundle, its id, and the secrets as they are. */
export interface RunnableVersion {
  readonly id: string;
  readonly createdOn: string;
  readonly upload: Upload;
  readonly secrets: ReadonlyMap<string, string>;
}

/**
 * Starts workerd with a version's bundle and bindings, as uploaded, and with no other way out than `outbound`.
 *
 * @param hostname the host that the worker believes to be reached by
 */
export async function startVersion(
  version: RunnableVersion,
  hostname: string,
  outbound: Outbound,
  onLog: (line: string) => void,
): Promise<VersionRuntime> {
  const { metadata, modules } = version.upload;
  const { bindings } = metadata;
  const begun = performance.now();
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      // What `Host` and the URL of every request say.
      upstream: `https://${hostname}`,
      log: new NoOpLog(),
      handleStructuredLogs: ({ message }) => onLog(message),
      workers: [
        {
          name: "version",
          compatibilityDate: metadata.compatibility_date ?? "2026-01-01",
          compatibilityFlags: metadata.compatibility_flags,
          modules: modules.map(({ path, contents }) => ({ type: "ESModule", path, contents })),
          bindings: {
            ...Object.fromEntries(version.secrets),
            ...Object.fromEntries(
              bindings.flatMap((binding) => ("text" in binding ? [[binding.name, binding.text]] : [])),
            ),
            ...Object.fromEntries(
              bindings
                .filter(({ type }) => type === "version_metadata")
                .map(({ name }) => [
                  name,
                  { id: version.id, tag: metadata.annotations["workers/tag"] ?? "", timestamp: version.createdOn },
                ]),
            ),
          },
          durableObjects: Object.fromEntries(
            bindings.flatMap((binding) =>
              binding.type === "durable_object_namespace"
                ? [[binding.name, { className: binding.class_name, useSQLite: true }]]
                : [],
            ),
          ),
          kvNamespaces: Object.fromEntries(
            bindings.flatMap((binding) =>
              binding.type === "kv_namespace" ? [[binding.name, binding.namespace_id]] : [],
            ),
          ),
          ratelimits: Object.fromEntries(
            bindings.flatMap((binding) =>
              binding.type === "ratelimit"
                ? [[binding.name, { namespace_id: binding.namespace_id, simple: binding.simple }]]
                : [],
            ),
          ),
          outboundService: outbound,
        },
      ],
    }),
  );
  const url = await miniflare.ready;
  let requests = 0;
  const { promise: drained, resolve: onDrained } = Promise.withResolvers<void>();
  let isClosing = false;
  return {
    async serve(work) {
      requests += 1;
      try {
        await work(url);
      } finally {
        requests -= 1;
        if (isClosing && requests === 0) onDrained();
      }
    },
    startupMilliseconds: Math.max(1, Math.round(performance.now() - begun)),
    async close() {
      isClosing = true;
      if (requests > 0) {
        await Promise.race([drained, new Promise((resolve) => setTimeout(resolve, DRAINED_WITHIN_MILLISECONDS))]);
      }
      await miniflare.dispose();
    },
  };
}
