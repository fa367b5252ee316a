import { randomUUID } from "node:crypto";
import { RunbookError } from "../runbook-error.ts";

/**
 * Sends a test event to Sentry, https://develop.sentry.dev/sdk/data-model/envelopes/.
 *
 * @throws RunbookError when it is not taken
 */
export async function sendTestEvent(dsn: string, environment: string): Promise<string> {
  const url = new URL(dsn);
  // The project is the last part; before it may stand the path that Sentry is served below.
  const [, prefix = "", project = ""] = /^(.*)\/([^/]+)\/?$/.exec(url.pathname) ?? [];
  const id = randomUUID().replaceAll("-", "");
  const event = {
    event_id: id,
    level: "info",
    platform: "javascript",
    environment,
    message: "Test event of npm run runbook -- monitoring",
  };
  const lines = [{ event_id: id, sent_at: new Date().toISOString() }, { type: "event" }, event];
  const response = await fetch(`${url.protocol}//${url.host}${prefix}/api/${project}/envelope/`, {
    method: "POST",
    headers: {
      "Content-Type": "application/x-sentry-envelope",
      "X-Sentry-Auth": `Sentry sentry_version=7, sentry_key=${url.username}, sentry_client=mcp-task-server-runbook/1.0`,
    },
    body: lines.map((line) => JSON.stringify(line)).join("\n"),
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok) throw new RunbookError(`Sentry answered ${response.status}`);
  return `event ${id} was taken by ${url.host}`;
}
