import { neon, neonConfig } from "@neondatabase/serverless";
import { type SQL, sql } from "drizzle-orm";
import type { BatchItem, BatchResponse } from "drizzle-orm/batch";
import { drizzle, type NeonHttpDatabase } from "drizzle-orm/neon-http";
import type { Caller } from "../caller.ts";
import { toDatabaseError } from "./database-error.ts";

const REQUEST_TIMEOUT_MILLISECONDS = 15_000;

/** Builds queries; what it builds runs only through `Database`. */
export type QueryBuilder = Pick<NeonHttpDatabase, "select" | "insert" | "update" | "delete" | "with" | "execute">;

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

/**
 * Opens the database over HTTP.
 *
 * @param fetchEndpoint where SQL over HTTP goes instead of to Neon
 */
export function openDatabase(connectionString: string, fetchEndpoint: string | undefined): Database {
  if (fetchEndpoint !== undefined) neonConfig.fetchEndpoint = fetchEndpoint;
  neonConfig.fetchFunction = fetchInTime;
  const connection = drizzle(neon(connectionString));

  return {
    async asCaller(caller, build) {
      const setCaller = connection.execute(
        sql`select set_caller(${caller.userId}, ${caller.tokenId}, ${caller.tokenIssuedAt.toISOString()})`,
      );
      try {
        const [, ...results] = await connection.batch([setCaller, ...build(connection)]);
        return results;
      } catch (error) {
        throw toDatabaseError(error);
      }
    },

    async callFunction(call) {
      const { rows } = await connection.execute(call);
      return rows;
    },
  };
}

/** Fetches the whole answer. The timer ends with it: `AbortSignal.timeout` runs on, and keeps a Durable Object awake. */
async function fetchInTime(url: string, init: RequestInit): Promise<Response> {
  const controller = new AbortController();
  const timer = setTimeout(
    () => controller.abort(new DOMException("the database did not answer in time", "TimeoutError")),
    REQUEST_TIMEOUT_MILLISECONDS,
  );
  try {
    const response = await fetch(url, { ...init, signal: controller.signal });
    return new Response(await response.text(), response);
  } finally {
    clearTimeout(timer);
  }
}
