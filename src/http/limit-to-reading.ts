import type { MiddlewareHandler } from "hono";
import { readingOnly } from "../caller.ts";
import type { Application, ApplicationContext } from "./application.ts";

/** What says no there; anything else that somebody writes is meant to limit. */
const NO: readonly string[] = ["0", "false", "no", "off"];

/**
 * Lets a connection that asks for `?readonly` do no more than read, whatever its credential allows: the writing tools are
 * not listed there, and a call of one is an error of the tool. It stands behind `requireCaller`.
 */
export const limitToReading: MiddlewareHandler<Application> = async (context, next) => {
  if (isReadOnly(context)) context.set("caller", readingOnly(context.var.caller));
  await next();
};

/**
 * Whether a request is one of a connection that has chosen to read only: by `?readonly`, however the word is spelled, unless
 * each that is there says no. A person who asks for it must not be let write by a slip.
 */
export function isReadOnly(context: ApplicationContext): boolean {
  if (!context.req.url.includes("?")) return false;
  return Object.entries(context.req.queries()).some(
    ([name, values]) =>
      /^read[-_ ]?only\W*$/i.test(name.trim()) && !values.every((value) => NO.includes(value.trim().toLowerCase())),
  );
}
