import { z } from "zod";
import type { NewLink } from "../../../src/auth/link-token.ts";
import type { MigrationConnection } from "../../database/migrate.ts";
import { RunbookError } from "../runbook-error.ts";

const accountSchema = z.object({ id: z.int(), created_at: z.string() });

/** An account that was found. */
export type FoundAccount = z.output<typeof accountSchema>;

/** @throws RunbookError where no account has the e-mail */
export async function findAccount(owner: MigrationConnection, email: string): Promise<FoundAccount> {
  const { rows } = await owner.query(
    "select id, to_char(created_at at time zone 'UTC', 'YYYY-MM-DD') as created_at from users where lower(email) = lower($1)",
    [email],
  );
  const [account] = z.array(accountSchema).parse(rows);
  if (account === undefined) throw new RunbookError(`no account has the e-mail ${JSON.stringify(email)}`);
  return account;
}

/** Has a link count: the database keeps its hash, for as long as one that was asked for by a mail. */
export async function keepResetLink(
  owner: MigrationConnection,
  { id }: FoundAccount,
  { hash }: NewLink,
): Promise<void> {
  await owner.query(
    `insert into account_links (hash, user_id, kind, expires_at)
     values ($1, $2, 'reset_password', clock_timestamp() + interval '30 minutes')`,
    [hash, id],
  );
}
