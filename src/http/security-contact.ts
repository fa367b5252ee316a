import { ApplicationError } from "../errors.ts";
import type { ApplicationContext } from "./application.ts";

const DAY = 24 * 60 * 60 * 1000;

/** RFC 9116 section 2.5.5 asks for less than a year. A reader asks anew after a day. */
const LIFETIME_DAYS = 30;

/**
 * Answers `GET /.well-known/security.txt` (RFC 9116): whom to tell of a fault that concerns security.
 *
 * @throws ApplicationError `not_found` where the operator has named nobody
 */
export function answerSecurityContact(context: ApplicationContext): Response {
  const { SECURITY_CONTACT: contact, BASE_URL: baseUrl } = context.var.configuration;
  if (contact === undefined) {
    throw new ApplicationError("not_found", "The operator of this server has named no contact for security.");
  }
  const lines = [
    `Contact: ${contact}`,
    `Expires: ${new Date(Date.now() + LIFETIME_DAYS * DAY).toISOString()}`,
    `Canonical: ${baseUrl}/.well-known/security.txt`,
  ];
  return context.text(`${lines.join("\n")}\n`, 200, { "Cache-Control": "public, max-age=86400" });
}
