import type { MiddlewareHandler } from "hono";
import { readingOnly } from "../caller.ts";
import type { Application, ApplicationContext } from "./application.ts";

/** What stands in the query of a connection that is to read only; `?readonly` alone is enough. */
const YES: readonly string[] = ["", "1", "true", "yes"];

/**
 * Lets a connection that asks for `?readonly` do no more than read, whatever its credential allows: the writing tools are
 * not listed there, and a call of one is an error of the tool. It stands behind `requireCaller`.
 */
export const limitToReading: MiddlewareHandler<Application> = async (context, next) => {
  if (isReadOnly(context)) context.set("caller", readingOnly(context.var.caller));
  await next();
};

/** Whether a request is one of a connection that has chosen to read only. */
export function isReadOnly(context: ApplicationContext): boolean {
  const asked = context.req.query("readonly");
  return asked !== undefined && YES.includes(asked.toLowerCase());
}
