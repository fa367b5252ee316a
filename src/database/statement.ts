import { fillPlaceholders, type Placeholder, type Query, type SQL, type SQLWrapper, sql } from "drizzle-orm";
import { drizzle, type NeonHttpDatabase } from "drizzle-orm/neon-http";
import { PgRaw } from "drizzle-orm/pg-core/query-builders/raw";
import type { RunnableQuery } from "drizzle-orm/runnable-query";

/** Builds queries; what it builds runs only through `Database`. */
export type QueryBuilder = Pick<NeonHttpDatabase, "select" | "insert" | "update" | "delete" | "with" | "execute">;

/** A query as drizzle builds it, and a way to have its text made. */
type Built<Result> = RunnableQuery<Result, "pg"> & SQLWrapper & ({ prepare(name: string): Prepared } | PgRaw<Result>);

/** The text of a query, and how to read the answer to it. */
interface Prepared {
  getQuery(): Query;
  mapResult(answer: unknown, isFromBatch: boolean): unknown;
}

/** What all uses of a query have in common. */
interface StatementText {
  readonly source: SQL;
  readonly prepared: Prepared;
  readonly isInArrayMode: boolean;
}

// Without a connection: a statement runs over whichever one it is given to.
const builder: QueryBuilder = drizzle.mock();

/** Puts a value that is given later into a query. */
export type Value<Name extends string> = (name: Name) => Placeholder<Name>;

/** The values of one use of a query. */
type Values<Name extends string> = Readonly<Record<Name, string | number>>;

/**
 * Declares a query that is the same each time but for its values, and has its text made once, when it is first used:
 * drizzle takes as long to make it as all else takes to send it.
 *
 * @returns makes the query with its values, to be run as one that was just built
 */
export function defineStatement<Name extends string, Result>(
  build: (query: QueryBuilder, value: Value<Name>) => Built<Result>,
): (values: Values<Name>) => Statement<Result> {
  let text: StatementText | undefined;
  return (values) => {
    text ??= makeText(build(builder, (name) => sql.placeholder(name)));
    return new Statement(text, values);
  };
}

function makeText<Result>(built: Built<Result>): StatementText {
  const isRaw = built instanceof PgRaw;
  return { source: built.getSQL(), prepared: isRaw ? built : built.prepare(""), isInArrayMode: !isRaw };
}

/** One use of such a query; the methods are those that drizzle's `batch` calls on what it is given. */
class Statement<Result> implements SQLWrapper {
  declare readonly _: { readonly dialect: "pg"; readonly result: Result };
  readonly #text: StatementText;
  readonly #values: Values<string>;

  constructor(text: StatementText, values: Values<string>) {
    this.#text = text;
    this.#values = values;
  }

  getSQL(): SQL {
    return this.#text.source;
  }

  _prepare(): this {
    return this;
  }

  getQuery(): Query {
    const query = this.#text.prepared.getQuery();
    return { ...query, params: fillPlaceholders(query.params, this.#values) };
  }

  isResponseInArrayMode(): boolean {
    return this.#text.isInArrayMode;
  }

  mapResult(answer: unknown): unknown {
    return this.#text.prepared.mapResult(answer, true);
  }
}
