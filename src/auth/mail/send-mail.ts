import { createHmac } from "node:crypto";
import type { Configuration } from "../../config.ts";
import { describeError } from "../../observability/describe-error.ts";
import type { Logger } from "../../observability/log.ts";
import { metrics } from "../../observability/metrics.ts";
import { handOverMetrics } from "../../observability/metrics-hand-over.ts";
import { sleep } from "../../sleep.ts";
import type { Mail } from "./mails.ts";

/** How long the webhook may take to answer, in milliseconds. */
const ATTEMPT_TIME = 5_000;

/** How long to wait before each further attempt, in milliseconds: with the attempts less than `waitUntil` gives. */
const PAUSES = [500, 2_000];

/** What another try may mend (RFC 9110): it took too long, too many came, or it is the webhook's own fault. */
const WORTH_REPEATING = /^(?:408|429|5\d\d)$/;

/** Where mails go, and who is told of it. */
export interface MailServices {
  readonly configuration: Configuration;
  readonly log: Logger;
  /** Keeps the sending alive after the answer. */
  readonly waitUntil: (promise: Promise<unknown>) => void;
  readonly env: Env;
}

/** Whether this server can send mails. */
export function sendsMails({ MAIL_WEBHOOK_URL: url }: Configuration): boolean {
  return url !== undefined;
}

/**
 * Posts a mail to MAIL_WEBHOOK_URL, signed as Standard Webhooks says, up to three times; who asked for it does not wait.
 * What comes of it is logged and counted, without the e-mail or the link. Nothing is sent where there is no webhook.
 *
 * @see https://www.standardwebhooks.com, symmetric signatures; the key is MAIL_WEBHOOK_SECRET as it stands
 */
export function sendMail(mail: Mail, { configuration, log, waitUntil, env }: MailServices): void {
  const { MAIL_WEBHOOK_URL: url, MAIL_WEBHOOK_SECRET: secret } = configuration;
  if (url === undefined || secret === undefined) return;
  const id = crypto.randomUUID();
  const tell = (delivery: Delivery) => {
    const isSent = delivery.status !== undefined && delivery.status >= 200 && delivery.status < 300;
    metrics.count("mails_total", { status: isSent ? "success" : "unavailable" });
    const fields = { mail: mail.kind, mail_id: id, ...delivery };
    if (isSent) log.info("mail_sent", fields);
    else log.error("mail_not_sent", fields);
    handOverMetrics({ env, waitUntil, log });
  };
  waitUntil(deliver(mail, id, { url, secret }).then(tell));
}

interface Webhook {
  readonly url: string;
  readonly secret: string;
}

/** What came of a mail: the status that its last attempt was answered with, or why there was none. */
interface Delivery {
  readonly attempts: number;
  readonly status?: number;
  readonly cause?: string;
}

async function deliver(mail: Mail, id: string, webhook: Webhook): Promise<Delivery> {
  const body = JSON.stringify({ id, ...mail });
  for (let attempts = 1; ; attempts += 1) {
    const outcome = await post(body, id, webhook).catch((error: unknown) => ({ cause: describeError(error) }));
    const pause = PAUSES[attempts - 1];
    const isFinal = "status" in outcome && !WORTH_REPEATING.test(`${outcome.status}`);
    if (isFinal || pause === undefined) return { attempts, ...outcome };
    await sleep(pause);
  }
}

async function post(body: string, id: string, { url, secret }: Webhook): Promise<{ status: number }> {
  const timestamp = Math.floor(Date.now() / 1000);
  const signature = createHmac("sha256", secret).update(`${id}.${timestamp}.${body}`).digest("base64");
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": String(timestamp),
      "webhook-signature": `v1,${signature}`,
    },
    body,
    // A link goes to nobody but the webhook itself.
    redirect: "manual",
    signal: AbortSignal.timeout(ATTEMPT_TIME),
  });
  await response.body?.cancel();
  return { status: response.status };
}
