import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { makeLink } from "../../src/auth/link-token.ts";
import { passwordResetMail } from "../../src/auth/mail/mails.ts";
import { sendMail } from "../../src/auth/mail/send-mail.ts";
import { readConfiguration } from "../../src/config.ts";
import type { LogFields, Logger } from "../../src/observability/log.ts";
import { Mailbox, type PostedMail } from "../support/mailbox.ts";

const link = makeLink();
const mail = passwordResetMail("ada@example.com", "https://tasks.example.com", link);

type Answer = () => Response | Promise<Response>;

/** Has the mail sent to a webhook that answers so. @returns its attempts, and what was logged of them */
async function sendTo(...answers: Answer[]): Promise<{ posted: readonly PostedMail[]; logged: LogFields[] }> {
  const mailbox = Mailbox.open();
  mailbox.answerWith(...answers);
  const logged: LogFields[] = [];
  const write = (event: string, fields?: LogFields) => void logged.push({ event, ...fields });
  const log: Logger = {
    request: () => undefined,
    chatTurn: () => undefined,
    debug: write,
    info: write,
    warn: write,
    error: write,
    with: () => log,
    report: () => undefined,
  };
  const running: Promise<unknown>[] = [];
  sendMail(mail, { configuration: readConfiguration(env), log, env, waitUntil: (promise) => running.push(promise) });
  await Promise.all(running);
  expect(JSON.stringify(logged)).not.toContain(link.token);
  expect(JSON.stringify(logged)).not.toContain("ada@example.com");
  return { posted: mailbox.posted, logged };
}

const status = (code: number, headers: Record<string, string> = {}) => {
  return () => new Response(code === 204 ? null : "whatever it says", { status: code, headers });
};

it("is posted a mail with its link, signed, once where it takes it", async () => {
  const { posted, logged } = await sendTo(status(202));

  expect(posted).toEqual([{ id: expect.any(String), ...mail }]);
  expect(posted[0]?.text).toContain(`https://tasks.example.com/account/reset-password?token=${link.token}`);
  const [sent] = posted;
  expect(logged).toEqual([{ event: "mail_sent", mail: "password_reset", mail_id: sent?.id, attempts: 1, status: 202 }]);
});

it("is tried again, with the same id, where it cannot be reached or has a fault of its own", async () => {
  const { posted, logged } = await sendTo(
    () => Promise.reject(new TypeError("fetch failed")),
    status(503),
    status(200),
  );

  expect(posted).toHaveLength(3);
  expect(new Set(posted.map(({ id }) => id)).size).toBe(1);
  expect(logged).toMatchObject([{ event: "mail_sent", attempts: 3 }]);
});

it("is tried three times at most, and nobody gets an error of ours for it", async () => {
  const { posted, logged } = await sendTo(status(500), status(429), status(408), status(200));

  expect(posted).toHaveLength(3);
  expect(logged).toMatchObject([{ event: "mail_not_sent", attempts: 3, status: 408 }]);
});

it.each([400, 401, 404])("is tried once where it refuses with %i", async (code) => {
  const { posted, logged } = await sendTo(status(code));

  expect(posted).toHaveLength(1);
  expect(logged).toMatchObject([{ event: "mail_not_sent", status: code }]);
});

it("is not followed elsewhere: a link goes to nobody but it", async () => {
  const { posted, logged } = await sendTo(status(307, { Location: "https://elsewhere.invalid/" }));

  expect(posted).toHaveLength(1);
  expect(logged).toMatchObject([{ event: "mail_not_sent", status: 307 }]);
});
