import type { ApplicationContext } from "../../http/application.ts";
import { countAgainst } from "../../http/rate-limit.ts";

/**
 * Counts a message against the limit of its user.
 *
 * @throws ApplicationError `rate_limited`
 */
export function countMessage(context: ApplicationContext): Promise<void> {
  return countAgainst(context, "CHAT_RATE_LIMITER", String(context.var.caller.userId));
}
