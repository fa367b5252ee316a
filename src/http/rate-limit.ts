import type { MiddlewareHandler } from "hono";
import { ApplicationError } from "../errors.ts";
import { describeError } from "../observability/describe-error.ts";
import { addressOf } from "./address.ts";
import { type Application, type ApplicationContext, requestLogger } from "./application.ts";

/** The period of every `[[ratelimits]]` in wrangler.toml, in seconds. */
const PERIOD = 60;

type LimiterName = {
  [Name in keyof Env]-?: Env[Name] extends RateLimit ? Name : never;
}[keyof Env];

/**
 * Counts a request against one of the limiters of wrangler.toml. Should the limiter itself fail, the request passes
 * and the failure is logged.
 *
 * @throws ApplicationError `rate_limited`
 */
export async function countAgainst(context: ApplicationContext, limiter: LimiterName, key: string): Promise<void> {
  const isWithin = await context.env[limiter].limit({ key }).then(
    ({ success }) => success,
    (error: unknown) => {
      requestLogger(context).error("rate_limiter_failed", { limiter, cause: describeError(error) });
      return true;
    },
  );
  if (isWithin) return;
  throw new ApplicationError("rate_limited", `Too many requests; try again in ${PERIOD} seconds.`, {
    retryAfter: PERIOD,
  });
}

/**
 * Counts a request, or one more call that it carries, against its credential and its user: several agents of one person
 * have each as much as one.
 *
 * @throws ApplicationError `rate_limited`
 */
export async function countCall(context: ApplicationContext): Promise<void> {
  const { credential, userId } = context.get("caller");
  await countAgainst(context, "CREDENTIAL_RATE_LIMITER", credential.id);
  await countAgainst(context, "USER_RATE_LIMITER", String(userId));
}

/** Limits the requests of each address. */
export function limitAddress(limiter: LimiterName): MiddlewareHandler<Application> {
  return async (context, next) => {
    await countAgainst(context, limiter, addressOf(context));
    await next();
  };
}
