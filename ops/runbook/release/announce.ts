import { RunbookError, reasonOf } from "../runbook-error.ts";
import type { Settings } from "../settings.ts";

const WITHIN_MILLISECONDS = 10_000;

/**
 * Tells the team, by a webhook of Slack's format.
 *
 * @returns what became of it
 * @throws RunbookError when the webhook does not take it
 */
export async function announce(settings: Settings, text: string): Promise<string> {
  const url = settings.get("NOTIFY_WEBHOOK_URL");
  if (url === undefined) return "NOTIFY_WEBHOOK_URL is not set: tell the team yourself";
  let status: number;
  try {
    ({ status } = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ text }),
      signal: AbortSignal.timeout(WITHIN_MILLISECONDS),
    }));
  } catch (error) {
    // The URL is a secret, and some errors name it.
    throw new RunbookError(`NOTIFY_WEBHOOK_URL cannot be reached: ${reasonOf(error).replaceAll(url, "…")}`);
  }
  if (status >= 300) throw new RunbookError(`NOTIFY_WEBHOOK_URL answered ${status}`);
  return `announced: ${text}`;
}
