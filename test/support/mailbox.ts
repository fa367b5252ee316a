import { env } from "cloudflare:workers";
import { createHmac } from "node:crypto";
import { expect, vi } from "vitest";
import { z } from "zod";
import { readConfiguration } from "../../src/config.ts";
import { interceptRequests } from "./lost-answers.ts";
import { PATIENCE } from "./patience.ts";

const { MAIL_WEBHOOK_URL = "", MAIL_WEBHOOK_SECRET = "" } = readConfiguration(env);

const mailSchema = z.strictObject({
  id: z.uuid(),
  kind: z.enum(["password_reset", "email_verification", "password_changed", "email_changed"]),
  to: z.email(),
  subject: z.string().min(1),
  text: z.string().min(1),
  link: z.url().optional(),
});

/** A mail that the webhook was posted. */
export type PostedMail = z.output<typeof mailSchema>;

/** Stands in for the webhook, which is beyond the machine, until the test ends. */
export class Mailbox {
  readonly #posted: PostedMail[] = [];
  readonly #answers: (() => Response | Promise<Response>)[] = [];

  private constructor() {
    interceptRequests((send) => async (input, init) => {
      if (input !== MAIL_WEBHOOK_URL) return send(input, init);
      this.#posted.push(readMail(init));
      const answer = this.#answers.shift() ?? (() => new Response(null, { status: 204 }));
      return answer();
    });
  }

  static open(): Mailbox {
    return new Mailbox();
  }

  /** Every attempt, in order. */
  get posted(): readonly PostedMail[] {
    return this.#posted;
  }

  /** What the next attempts are answered with; all others with 204. */
  answerWith(...answers: (() => Response | Promise<Response>)[]): void {
    this.#answers.push(...answers);
  }

  /** The newest mail of a kind to somebody, once it is there. */
  async next(kind: PostedMail["kind"], to: string): Promise<PostedMail> {
    return vi.waitFor(
      () => {
        const mail = this.#posted.findLast((posted) => posted.kind === kind && posted.to === to);
        if (mail === undefined) throw new Error(`no ${kind} mail to ${to} so far`);
        return mail;
      },
      { timeout: PATIENCE, interval: 10 },
    );
  }

  /** The token of the link in the newest mail of a kind to somebody. */
  async token(kind: PostedMail["kind"], to: string): Promise<string> {
    const { link, text } = await this.next(kind, to);
    expect(text).toContain(link);
    return new URL(link ?? "").searchParams.get("token") ?? "";
  }
}

/** Reads a request as a receiver of Standard Webhooks does, who trusts nothing that is not signed. */
function readMail(init: RequestInit | undefined): PostedMail {
  const headers = new Headers(init?.headers);
  const body = z.string().parse(init?.body);
  const [id, timestamp] = [headers.get("webhook-id"), headers.get("webhook-timestamp")];
  const signature = createHmac("sha256", MAIL_WEBHOOK_SECRET).update(`${id}.${timestamp}.${body}`).digest("base64");
  expect(headers.get("webhook-signature")).toBe(`v1,${signature}`);
  expect(Math.abs(Number(timestamp) - Date.now() / 1000)).toBeLessThan(60);
  expect(init).toMatchObject({ method: "POST", redirect: "manual" });
  const mail = mailSchema.parse(JSON.parse(body));
  expect(mail.id).toBe(id);
  return mail;
}
