import { neon } from "@neondatabase/serverless";
import { isSQLWrapper, type SQL, type SQLWrapper, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/neon-http";
import { PgDialect } from "drizzle-orm/pg-core";
import type { Caller, Origin } from "../caller.ts";
import type { LimitName } from "../limits.ts";
import { bindDatabase, type Connection } from "./bind-database.ts";
import { attemptCall } from "./call-attempts.ts";
import { CircuitBreaker } from "./circuit-breaker.ts";
import { DatabaseClock } from "./database-clock.ts";
import { type DatabaseFailure, databaseFailureOf, limitOf } from "./database-error.ts";
import { KnownCredentials } from "./known-credentials.ts";
import { useWholeAnswers } from "./sql-over-http.ts";
import { UntoldCalls } from "./untold-calls.ts";
import type { UserDatabase } from "./user-database.ts";

/** The one way to Postgres. */
export interface Database {
  /** The database as a caller's, for calls that come from somewhere. */
  as(caller: Caller, origin: Origin): UserDatabase;

  /**
   * Calls one of the functions that are there for before a user is known. It is repeated where its answer is lost: the
   * function must come to the same then.
   *
   * @param effect whether it changes something
   * @param build makes the call, with the moment of the database's clock until which it may be carried out
   * @returns the rows, unparsed
   * @throws ApplicationError `unavailable`
   * @throws whatever the driver threw, for the caller to tell a unique violation from the rest
   */
  callFunction(effect: "reads" | "writes", build: (deadline: string) => SQL): Promise<Record<string, unknown>[]>;

  /**
   * Asks the database once for the smallest answer there is.
   *
   * @throws whatever the driver threw
   */
  ping(): Promise<void>;
}

/** A request to the database that has ended. */
interface DatabaseRequest {
  readonly milliseconds: number;
  /** Why it failed; undefined where it did not, or where Postgres refused what it was given. */
  readonly failure: DatabaseFailure | undefined;
  /** The limit that it has reached. */
  readonly limit: LimitName | undefined;
  /** Whom it was made for; undefined before a user is known. */
  readonly userId: number | undefined;
  /** What its statements do to which table, such as `update tasks, select tasks`; without their parameters. */
  readonly operations: () => string;
}

/** Is told of every request to the database. */
export type DatabaseObserver = (request: DatabaseRequest) => void;

/** A database whose requests somebody can watch. */
export interface ObservableDatabase extends Database {
  /** The same database over the same connection, its requests told to an observer. */
  observedBy(observe: DatabaseObserver): Database;
}

/**
 * Opens the database over HTTP.
 *
 * @param fetchEndpoint where SQL over HTTP goes instead of to Neon
 * @param callSeconds how long a call may take in the database, repeats included
 */
export function openDatabase(
  connectionString: string,
  fetchEndpoint: string | undefined,
  callSeconds: number,
): ObservableDatabase {
  const callTime = callSeconds * 1000;
  const requestTime = callTime / 2;
  useWholeAnswers(fetchEndpoint, requestTime);
  const connection = {
    client: drizzle(neon(connectionString)),
    breaker: new CircuitBreaker(),
    clock: new DatabaseClock(),
    credentials: new KnownCredentials(),
    untold: new UntoldCalls(),
    callTime,
    requestTime,
  };
  return {
    ...withObserver(connection, () => undefined),
    observedBy: (observe) => withObserver(connection, observe),
  };
}

function withObserver(connection: Connection, observe: DatabaseObserver): Database {
  const { client, breaker, clock, callTime } = connection;
  return {
    as: (caller, origin) =>
      bindDatabase(connection, caller, origin, (running, queries, isBounded) =>
        observed(running, observe, queries, { userId: caller.userId, isBounded }),
      ),

    async callFunction(effect, build) {
      const call = build(clock.deadlineAfter(callTime));
      const attempt = async () => observed(client.execute(call), observe, [call]);
      const end = await attemptCall(attempt, connection, { isRead: effect === "reads", isKeyed: false });
      return "result" in end ? end.result.rows : [];
    },

    async ping() {
      const query = sql`select 1`;
      try {
        await observed(client.execute(query), observe, [query]);
        breaker.answered();
      } catch (error) {
        breaker.failed();
        throw error;
      }
    },
  };
}

async function observed<Result>(
  running: PromiseLike<Result>,
  observe: DatabaseObserver,
  queries: readonly unknown[],
  { userId, isBounded = false }: { readonly userId?: number; readonly isBounded?: boolean } = {},
): Promise<Result> {
  const startedAt = performance.now();
  const tell = (failure?: DatabaseFailure, limit?: LimitName) =>
    observe({
      milliseconds: performance.now() - startedAt,
      failure,
      limit,
      userId,
      operations: () => queries.filter(isSQLWrapper).map(operationOf).join(", "),
    });
  try {
    const result = await running;
    tell();
    return result;
  } catch (error) {
    tell(databaseFailureOf(error, { isBounded }), limitOf(error));
    throw error;
  }
}

const dialect = new PgDialect();

function operationOf(query: SQLWrapper): string {
  const { sql: text } = dialect.sqlToQuery(query.getSQL());
  const [verb = ""] = /[a-z]+/i.exec(text) ?? [];
  const [, object] = /\b(?:insert into|update|from)\s+"?(\w+)/i.exec(text) ?? [];
  return [verb.toLowerCase(), object].filter((word) => word !== undefined).join(" ");
}
