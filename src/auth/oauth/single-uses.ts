import { sql } from "drizzle-orm";
import * as z from "zod";
import type { Database } from "../../database/database.ts";
import { callFunction, changeByFunction } from "./call-function.ts";

const foundSchema = z.tuple([z.object({ value: z.string().nullable() })]).transform(([{ value }]) => value);

/**
 * What may be used once, in Postgres: KV, which lags, would let it be used once everywhere. Every method throws
 * ApplicationError `unavailable` where Postgres cannot be reached.
 */
export class SingleUses {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Keeps a value under a name that was not used yet.
   *
   * @param lifetime in seconds
   * @returns false where the name is taken, by another value
   */
  keep(name: string, value: string, lifetime: number): Promise<boolean> {
    return changeByFunction(
      this.#database,
      (deadline) => sql`keep_single_use(${name}, ${value}, ${lifetime}, ${deadline})`,
    );
  }

  /** The value that may still be used; null where there is none. */
  async find(name: string): Promise<string | null> {
    return foundSchema.parse(
      await callFunction(this.#database, "reads", () => sql`select find_single_use(${name}) as value`),
    );
  }

  /** Uses it; false where that was done before. */
  take(name: string): Promise<boolean> {
    // By it a repeat of the call, whose answer was lost, is known.
    const use = crypto.randomUUID();
    return changeByFunction(this.#database, () => sql`take_single_use(${name}, ${use})`);
  }
}
