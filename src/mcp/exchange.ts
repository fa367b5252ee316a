import { AsyncLocalStorage } from "node:async_hooks";
import type { ApplicationError } from "../errors.ts";
import type { ApplicationContext } from "../http/application.ts";
import type { ToolContext } from "../tools/tool.ts";
import type { Batch } from "./session/batch.ts";

/** One HTTP request to MCP: what its messages run with, wherever in an SDK they are handled. */
export interface Exchange extends ToolContext {
  /** Where it is one. */
  readonly batch?: Batch;
  /** Told when a tool finds that the caller's token has been signed out, and what that means for its call. */
  readonly onSignedOut: (error: ApplicationError) => void;
}

const exchanges = new AsyncLocalStorage<Exchange>();

/** The exchange of a request that is answered where it came in. */
export function exchangeOf(context: ApplicationContext, onSignedOut: Exchange["onSignedOut"]): Exchange {
  return {
    caller: context.get("caller"),
    database: context.get("userDatabase"),
    log: context.get("log"),
    cursorSettings: context.get("configuration"),
    onSignedOut,
  };
}

/** Runs work, and all that follows from it, in an exchange. */
export function runInExchange<Result>(exchange: Exchange, work: () => Result): Result {
  return exchanges.run(exchange, work);
}

/** The exchange that this code runs in; undefined outside of one. */
export function exchangeHere(): Exchange | undefined {
  return exchanges.getStore();
}

/**
 * The exchange that this code runs in: what a message may do is decided by the request that brought it, and by nothing
 * that a session remembers.
 *
 * @throws Error outside of one
 */
export function currentExchange(): Exchange {
  const exchange = exchangeHere();
  if (exchange === undefined) throw new Error("no exchange here: nobody to act for");
  return exchange;
}
