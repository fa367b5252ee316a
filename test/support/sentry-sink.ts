import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { listenOnLoopback } from "../../local/loopback-server.ts";

/** A server that takes what the worker sends to Sentry. */
export interface SentrySink {
  /** `{url}/{project}` lists the envelopes of a project, each as the text it was; the DSN is made by `sentryDsn`. */
  readonly url: string;
  close(): Promise<void>;
}

/** The DSN of a project of the sink; a project is a number. */
export function sentryDsn(sinkUrl: string, project: number): string {
  const dsn = new URL(sinkUrl);
  dsn.username = "0123456789abcdef0123456789abcdef";
  dsn.pathname = `/${project}`;
  return dsn.href;
}

/** Starts the sink on loopback. */
export async function startSentrySink(): Promise<SentrySink> {
  const envelopes = new Map<string, string[]>();
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://sink.invalid");
    const [, project] = /^\/api\/(\d+)\/envelope\/$/.exec(pathname) ?? [];
    if (request.method !== "POST" || project === undefined) {
      response.writeHead(200, { "content-type": "application/json" });
      return void response.end(JSON.stringify(envelopes.get(pathname.slice(1)) ?? []));
    }
    text(request).then(
      (envelope) => {
        envelopes.set(project, [...(envelopes.get(project) ?? []), envelope]);
        response.writeHead(200, { "content-type": "application/json" }).end("{}");
      },
      () => response.destroy(),
    );
  });
  const { url, close } = await listenOnLoopback(server);
  return {
    url,
    close,
  };
}
