import { ApplicationError } from "../errors.ts";
import type { ApplicationContext } from "./application.ts";

/**
 * Takes a form from our own pages only. A browser says where a form comes from, and no page can have it say anything else
 * (Fetch, section 4.5; Fetch Metadata, section 2.3). An `Origin` of "null" is one that the browser keeps to itself.
 *
 * @throws ApplicationError `forbidden`
 */
export function requireOwnPage(context: ApplicationContext): void {
  const { BASE_URL } = context.get("configuration");
  const own = new URL(BASE_URL).origin;
  const site = context.req.header("Sec-Fetch-Site");
  const origin = context.req.header("Origin");
  const isOwnOrigin = origin === own;
  const isHidden = origin === undefined || origin === "null";
  if (site === undefined ? isOwnOrigin : site === "same-origin" && (isOwnOrigin || isHidden)) return;
  throw new ApplicationError("forbidden", `This form must be sent from its own page, at ${own}.`);
}
