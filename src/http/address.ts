import { createHmac } from "node:crypto";
import { expandIPv6 } from "hono/utils/ipaddr";
import { deriveKey } from "../derive-key.ts";
import type { ApplicationContext } from "./application.ts";

/** Where a request comes from; an IPv6 address counts as its /64, which one subscriber has whole. */
export function addressOf(context: ApplicationContext): string {
  const address = context.req.header("CF-Connecting-IP") ?? "unknown";
  if (!address.includes(":")) return address;
  return expandIPv6(address).split(":").slice(0, 4).join(":");
}

/**
 * What the database counts an address's day (UTC) by: a keyed hash, from which nobody without the secret learns the
 * address, nor that it is that of another day.
 */
export function addressKey(context: ApplicationContext): string {
  return keyOfToday(context, "address", addressOf(context));
}

/**
 * What the database counts an e-mail's day by, in the same way.
 *
 * @param asker where only what they ask for is to be counted
 */
export function mailboxKey(context: ApplicationContext, email: string, asker?: string): string {
  const mailbox = email.toLowerCase();
  return keyOfToday(context, "mailbox", asker === undefined ? mailbox : JSON.stringify([mailbox, asker]));
}

function keyOfToday(context: ApplicationContext, purpose: string, subject: string): string {
  const day = new Date().toISOString().slice(0, 10);
  const key = deriveKey(context.get("configuration").JWT_SECRET, purpose);
  return createHmac("sha256", key).update(`${day} ${subject}`).digest("base64url");
}
