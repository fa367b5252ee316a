import { neon, neonConfig } from "@neondatabase/serverless";
import { isSQLWrapper, type SQL, type SQLWrapper, sql } from "drizzle-orm";
import type { BatchItem, BatchResponse } from "drizzle-orm/batch";
import { drizzle, type NeonHttpDatabase } from "drizzle-orm/neon-http";
import { PgDialect } from "drizzle-orm/pg-core";
import type { Caller } from "../caller.ts";
import { type DatabaseFailure, databaseFailureOf, toDatabaseError } from "./database-error.ts";
import { defineStatement, type QueryBuilder, type Value } from "./statement.ts";

const REQUEST_TIMEOUT_MILLISECONDS = 15_000;

type Query = BatchItem<"pg">;

/** The one way to Postgres: every method makes exactly one HTTP request, which is one transaction. */
export interface Database {
  /**
   * Runs queries as a user: row-level security lets them see his rows alone, and his token is checked to still count.
   *
   * @returns the result of each query, in order
   * @throws ApplicationError `unauthenticated` for a token signed out, `unavailable`, `internal`
   */
  asCaller<const Queries extends readonly [Query, ...Query[]]>(
    caller: Caller,
    build: (query: QueryBuilder) => Queries,
  ): Promise<BatchResponse<Queries>>;

  /**
   * Calls one of the functions that are there for before a user is known.
   *
   * @returns the rows, unparsed
   * @throws whatever the driver threw, for the caller to tell a unique violation from the rest
   */
  callFunction(call: SQL): Promise<Record<string, unknown>[]>;
}

/** A request to the database that has ended. */
interface DatabaseRequest {
  readonly milliseconds: number;
  /** Why it failed; undefined where it did not, or where Postgres refused what it was given. */
  readonly failure: DatabaseFailure | undefined;
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
 */
export function openDatabase(connectionString: string, fetchEndpoint: string | undefined): ObservableDatabase {
  if (fetchEndpoint !== undefined) neonConfig.fetchEndpoint = fetchEndpoint;
  neonConfig.fetchFunction = fetchInTime;
  const connection = drizzle(neon(connectionString));

  return {
    ...withObserver(connection, () => undefined),
    observedBy: (observe) => withObserver(connection, observe),
  };
}

/** Says whose rows the statements after it see, and refuses a token that no longer counts. */
const setCaller = defineStatement((query, value: Value<"userId" | "tokenId" | "tokenIssuedAt">) =>
  query.execute(sql`select set_caller(${value("userId")}, ${value("tokenId")}, ${value("tokenIssuedAt")})`),
);

function withObserver(connection: NeonHttpDatabase, observe: DatabaseObserver): Database {
  return {
    async asCaller(caller, build) {
      const { userId, tokenId, tokenIssuedAt } = caller;
      const queries = build(connection);
      const running = connection.batch([
        setCaller({ userId, tokenId, tokenIssuedAt: tokenIssuedAt.toISOString() }),
        ...queries,
      ]);
      try {
        const [, ...results] = await observed(running, observe, queries, caller.userId);
        return results;
      } catch (error) {
        throw toDatabaseError(error);
      }
    },

    async callFunction(call) {
      const { rows } = await observed(connection.execute(call), observe, [call]);
      return rows;
    },
  };
}

async function observed<Result>(
  running: PromiseLike<Result>,
  observe: DatabaseObserver,
  queries: readonly unknown[],
  userId?: number,
): Promise<Result> {
  const startedAt = performance.now();
  const tell = (failure: DatabaseFailure | undefined) =>
    observe({
      milliseconds: performance.now() - startedAt,
      failure,
      userId,
      operations: () => queries.filter(isSQLWrapper).map(operationOf).join(", "),
    });
  try {
    const result = await running;
    tell(undefined);
    return result;
  } catch (error) {
    tell(databaseFailureOf(error));
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

/** What neon reads of a response. */
type DatabaseResponse = Pick<Response, "ok" | "status" | "json" | "text">;

/** Fetches the whole answer. The timer ends with it: `AbortSignal.timeout` runs on, and keeps a Durable Object awake. */
async function fetchInTime(url: string, init: RequestInit): Promise<DatabaseResponse> {
  const controller = new AbortController();
  const timer = setTimeout(
    () => controller.abort(new DOMException("the database did not answer in time", "TimeoutError")),
    REQUEST_TIMEOUT_MILLISECONDS,
  );
  try {
    const response = await fetch(url, { ...init, signal: controller.signal });
    const { ok, status } = response;
    const body = await response.text();
    return { ok, status, text: async () => body, json: async () => JSON.parse(body) };
  } finally {
    clearTimeout(timer);
  }
}
