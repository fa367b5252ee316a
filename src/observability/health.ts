import type { Configuration } from "../config.ts";
import type { Database } from "../database/database.ts";
import { causesOf, describeError } from "./describe-error.ts";
import type { Logger } from "./log.ts";

/** How the server is: healthy only when the database answers. */
export interface Health {
  readonly status: "healthy" | "unhealthy";
  readonly database: "connected" | "unreachable";
  /** The deployed version's id; on one's own machine one that each start makes up. */
  readonly version: string;
}

/** What the database is asked with. */
export interface HealthContext {
  readonly configuration: Configuration;
  readonly database: Database;
  readonly log: Logger;
  /** Keeps the question alive when the request that asked it has gone: others wait for the answer too. */
  readonly waitUntil: (promise: Promise<unknown>) => void;
}

/** How long the database may take, in milliseconds: each who asks has an answer within 2 seconds. */
const LONGEST_WAIT = 1_500;
/** By how much, in milliseconds, a timer is late where the isolate was busy and could not hear an answer. */
const BUSY = 100;
/** How long an answer counts, in milliseconds, from when the database was asked. */
const ANSWER_LIFETIME = 1_000;

interface Check {
  readonly askedAt: number;
  /** Resolves when the database has answered, or cannot be asked; perhaps never. */
  readonly answered: Promise<void>;
  /** Whether the database answers; undefined until that is known. */
  isUp: boolean | undefined;
}

/** The last check of each database; a configuration names one. */
const lastChecks = new WeakMap<Configuration, Check>();

/** How the server is; the database is asked as `isDatabaseUp` does. */
export async function checkHealth(context: HealthContext, version: string): Promise<Health> {
  return (await isDatabaseUp(context))
    ? { status: "healthy", database: "connected", version }
    : { status: "unhealthy", database: "unreachable", version };
}

/**
 * Whether the database answers, within 2 seconds. One isolate asks it at most once a second however many want to know,
 * and logs `health_failed` when it does not answer.
 */
export async function isDatabaseUp(context: HealthContext): Promise<boolean> {
  const last = lastChecks.get(context.configuration);
  const check = last !== undefined && isCurrent(last) ? last : ask(context);
  return check.isUp ?? answerTo(check, context.log);
}

function isCurrent({ askedAt, isUp }: Check): boolean {
  return Date.now() - askedAt < (isUp === undefined ? LONGEST_WAIT : ANSWER_LIFETIME);
}

/** Asks the database for the smallest answer there is. */
function ask({ configuration, database, log, waitUntil }: HealthContext): Check {
  const answered = database.ping().then(
    () => settle(check, true),
    (error: unknown) => {
      if (settle(check, false)) log.error("health_failed", { cause: describeError(causesOf(error).at(-1)) });
    },
  );
  const check: Check = { askedAt: Date.now(), answered: answered.then(() => undefined), isUp: undefined };
  lastChecks.set(configuration, check);
  waitUntil(answered);
  return check;
}

/**
 * Waits for the answer with a timer of this request's own: that of the request which asked may end with its connection.
 * What the isolate could not hear while it was busy is no silence of the database's.
 */
async function answerTo(check: Check, log: Logger): Promise<boolean> {
  for (let until = check.askedAt + LONGEST_WAIT; check.isUp === undefined; until = Date.now() + BUSY) {
    const timer = Promise.withResolvers<void>();
    const timeout = setTimeout(timer.resolve, until - Date.now());
    await Promise.race([check.answered, timer.promise]);
    clearTimeout(timeout);
    const wasBusy = Date.now() - until > BUSY;
    if (!wasBusy && settle(check, false)) log.error("health_failed", { cause: `no answer within ${LONGEST_WAIT} ms` });
  }
  return check.isUp;
}

/** @returns false where it was known before, which stays */
function settle(check: Check, isUp: boolean): boolean {
  if (check.isUp !== undefined) return false;
  check.isUp = isUp;
  return true;
}
