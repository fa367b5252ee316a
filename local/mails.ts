import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { type LoopbackServer, listenOnLoopback } from "./loopback-server.ts";

const mailSchema = z.object({ to: z.string(), subject: z.string(), text: z.string(), link: z.string().optional() });

/** A mail, as the worker posts it. */
export type LocalMail = z.output<typeof mailSchema>;

/** What takes this machine's mails, and the worker's variables by which it finds that. */
export interface Mails extends LoopbackServer {
  readonly variables: { readonly MAIL_WEBHOOK_URL: string; readonly MAIL_WEBHOOK_SECRET: string };
}

/**
 * Stands in for the webhook that sends mails: shows each to the person at the terminal. What is not signed by the worker is
 * refused, as any process of this machine may post here.
 *
 * @param show is given each mail once
 */
export async function startMails(show: (mail: LocalMail) => void): Promise<Mails> {
  const secret = randomBytes(32).toString("base64url");
  const server = createServer((request, response) => {
    text(request)
      .then((body) => {
        const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature } = request.headers;
        const signed = createHmac("sha256", secret).update(`${id}.${timestamp}.${body}`).digest("base64");
        if (!isSame(String(signature), `v1,${signed}`)) return 401;
        show(mailSchema.parse(JSON.parse(body)));
        return 204;
      })
      .catch(() => 400)
      .then((status) => response.writeHead(status).end());
  });
  const listening = await listenOnLoopback(server);
  return { ...listening, variables: { MAIL_WEBHOOK_URL: listening.url, MAIL_WEBHOOK_SECRET: secret } };
}

/** A mail as lines for a terminal: its link, or what it says where it has none. */
export function mailLines({ to, subject, text: words, link }: LocalMail): string {
  return [`Mail to ${to}: ${subject}`, ...(link ?? words).trim().split("\n")].join("\n  ");
}

function isSame(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}
