import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { listenOnLoopback } from "../../local/loopback-server.ts";

/** Stands in for PagerDuty and Slack, which Alertmanager tells, and for what sends mails: takes what it is posted. */
export interface WebhookSink {
  readonly url: string;
  /** The JSON bodies that came to a path, in order. */
  received(path: string): readonly unknown[];
  /** The paths, in the order in which bodies came. */
  order(): readonly string[];
  close(): Promise<void>;
}

/** Starts the sink on loopback. */
export async function startWebhookSink(): Promise<WebhookSink> {
  const bodies = new Map<string, unknown[]>();
  const order: string[] = [];
  const server = createServer((request, response) => {
    text(request).then(
      (body) => {
        const path = request.url ?? "/";
        order.push(path);
        bodies.set(path, [...(bodies.get(path) ?? []), JSON.parse(body)]);
        // PagerDuty's events API accepts with 202, Slack's webhook with 200.
        response.writeHead(path === "/pagerduty" ? 202 : 200).end("ok");
      },
      () => response.destroy(),
    );
  });
  const { url, close } = await listenOnLoopback(server);
  return {
    url,
    received: (path) => bodies.get(path) ?? [],
    order: () => order,
    close,
  };
}
