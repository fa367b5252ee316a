import { ApplicationError, type ErrorKind } from "./errors.ts";

/** What nobody has without end; but for the sessions, the database holds it (`raise_limit`). */
const limitNames = [
  "tasks",
  "conversations",
  "sessions",
  "sign_ups",
  "user_tokens",
  "address_tokens",
  "total_tokens",
  "personal_tokens",
  "mails",
  "refresh_tokens",
] as const;

export type LimitName = (typeof limitNames)[number];

/** The name of a limit; undefined for any other text. */
export function readLimitName(text: string | undefined): LimitName | undefined {
  return limitNames.find((name) => name === text);
}

/** The error of a caller who has reached a limit: it says which, and what can be done. */
export function limitReached(name: LimitName, maximum: number, cause?: unknown): ApplicationError {
  const { kind, message, retryAfter } = refusals[name](maximum.toLocaleString("en-US"));
  return new ApplicationError(kind, message, { cause, ...(retryAfter !== undefined && { retryAfter }) });
}

interface Refusal {
  readonly kind: ErrorKind;
  readonly message: string;
  /** Seconds. */
  readonly retryAfter?: number;
}

const SESSION_RETRY = 600;
const REFRESH_RETRY = 600;

const refusals: Readonly<Record<LimitName, (maximum: string) => Refusal>> = {
  tasks: (maximum) => conflict(`You have ${maximum} tasks, the most there can be. Delete some, then create more.`),
  conversations: (maximum) =>
    conflict(`You have ${maximum} conversations, the most there can be. Delete some, then begin another.`),
  sessions: (maximum) => ({
    kind: "rate_limited",
    message: `You have ${maximum} MCP sessions open, each used within the last hour. End one with DELETE, or try again later.`,
    retryAfter: SESSION_RETRY,
  }),
  personal_tokens: (maximum) =>
    conflict(`You have ${maximum} personal tokens, the most there can be. Delete one, then make another.`),
  sign_ups: (maximum) => untilTomorrow(`${maximum} accounts were made from your address today, the most there can be`),
  mails: (maximum) => untilTomorrow(`${maximum} links were asked for to this e-mail today, the most there can be`),
  refresh_tokens: (maximum) => ({
    kind: "rate_limited",
    message: `This connection has been given ${maximum} refresh tokens lately, the most there can be. Use one of them, or try again later.`,
    retryAfter: REFRESH_RETRY,
  }),
  user_tokens: (maximum) => untilTomorrow(`You have used up today's ${maximum} tokens for chat`),
  address_tokens: (maximum) => untilTomorrow(`Your address has used up today's ${maximum} tokens for chat`),
  total_tokens: (maximum) => untilTomorrow(`All accounts together have used up today's ${maximum} tokens for chat`),
};

function conflict(message: string): Refusal {
  return { kind: "conflict", message };
}

/** What is counted by the day, in UTC. */
function untilTomorrow(what: string): Refusal {
  const now = new Date();
  const tomorrow = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1);
  return {
    kind: "rate_limited",
    message: `${what}. Try again from ${new Date(tomorrow).toISOString()}.`,
    retryAfter: Math.ceil((tomorrow - now.getTime()) / 1000),
  };
}
