import type pg from "pg";
import { z } from "zod";
import { hashPassword, verifyPassword } from "../src/auth/password.ts";

/** Whose token the start prints. */
export interface DemoAccount {
  readonly userId: number;
  readonly email: string;
  /** Undefined when the account was made by another data directory, which alone knows it. */
  readonly password: string | undefined;
}

const EMAIL = "demo@example.com";
const NAME = "Demo";
const UNIQUE_VIOLATION = "23505";
const INVALID_PARAMETER_VALUE = "22023";

const accountSchema = z.tuple([z.object({ id: z.coerce.number().int(), password_hash: z.string() })]);

/** Finds the demo account, or makes it: by the database's own functions, as the worker has no special way in. */
export async function keepDemoAccount(pool: pg.Pool, password: string): Promise<DemoAccount> {
  const account = (await findAccount(pool)) ?? (await makeAccount(pool, password));
  const isOurs = await verifyPassword(password, account.password_hash);
  return { userId: account.id, email: EMAIL, password: isOurs ? password : undefined };
}

async function findAccount(pool: pg.Pool): Promise<{ id: number; password_hash: string } | undefined> {
  const { rows } = await pool.query("select id, password_hash from find_credentials($1)", [EMAIL]);
  return rows.length === 0 ? undefined : accountSchema.parse(rows)[0];
}

async function makeAccount(pool: pg.Pool, password: string): Promise<{ id: number; password_hash: string }> {
  const hash = await hashPassword(password);
  try {
    await signUp(pool, Intl.DateTimeFormat().resolvedOptions().timeZone, hash);
  } catch (error) {
    // Another start may have been faster.
    if (sqlStateOf(error) === INVALID_PARAMETER_VALUE) await signUp(pool, "UTC", hash);
    else if (sqlStateOf(error) !== UNIQUE_VIOLATION) throw error;
  }
  const account = await findAccount(pool);
  if (account === undefined) throw new Error(`the account ${EMAIL} was made but is not there`);
  return account;
}

async function signUp(pool: pg.Pool, timeZone: string, hash: string): Promise<void> {
  await pool.query("select from sign_up($1, $2, $3, $4)", [EMAIL, NAME, timeZone, hash]);
}

function sqlStateOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
