import type { Procedure } from "../procedure.ts";
import { RunbookError, reasonOf } from "../runbook-error.ts";
import type { Settings } from "../settings.ts";

const STEP = "tell the team";
const WITHIN_MILLISECONDS = 10_000;

/**
 * Tells the team, by a webhook of Slack's format.
 *
 * @throws RunbookError when the webhook does not take it
 */
async function announce(url: string, text: string): Promise<void> {
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
}

/** Tells the team, or leaves it to a person; a webhook that does not work does not undo what was done. */
export async function announceStep(settings: Settings, procedure: Procedure, text: string): Promise<void> {
  const url = settings.get("NOTIFY_WEBHOOK_URL");
  if (url === undefined) {
    procedure.record(STEP, "person", `NOTIFY_WEBHOOK_URL is not set: tell the team yourself: ${text}`);
    return;
  }
  await procedure
    .step(STEP, async () => {
      await announce(url, text);
      return { evidence: `announced: ${text}`, result: undefined };
    })
    .catch((error: unknown) => procedure.note(reasonOf(error)));
}
