import { randomUUID } from "node:crypto";
import type pg from "pg";
import { z } from "zod";
import { makePersonalToken } from "../src/auth/personal-token.ts";
import { issueToken } from "../src/auth/token.ts";
import type { Configuration } from "../src/config.ts";

/** What `npm start` prints for people and clients to come in with. */
export interface DemoToken {
  readonly token: string;
  /** For how long it counts, as a sentence goes on after "the token". */
  readonly lasts: string;
}

const NAME = "npm start";
const SIGN_IN_DAYS = 30;
const DAY = 24 * 60 * 60;

/** Its values come as Postgres writes them, in whatever time zone. */
const COLUMNS = "id, floor(extract(epoch from created_at)) as made_at";
const rowsSchema = z.tuple([z.object({ id: z.uuid(), made_at: z.coerce.number() })]);

/**
 * A token of the demo account: the same personal token at each start, so that the clients which were given it go on, until
 * it is cut off; then another. Where personal tokens are not let in it is a sign-in.
 */
export async function keepDemoToken(pool: pg.Pool, userId: number, configuration: Configuration): Promise<DemoToken> {
  const { TOKEN_SECRET, SCOPED_CREDENTIALS, JWT_SECRET: secret, BASE_URL: issuer } = configuration;
  if (TOKEN_SECRET === undefined || SCOPED_CREDENTIALS === "off") {
    const { token } = await issueToken(userId, SIGN_IN_DAYS * DAY, { secret, issuer });
    return { token, lasts: `lasts ${SIGN_IN_DAYS} days` };
  }
  const { id, made_at: madeAt } = await keepRow(pool, userId);
  const token = makePersonalToken(
    { id, userId, access: "full", issuedAt: new Date(madeAt * 1000), expiresAt: undefined },
    { TOKEN_SECRET },
  );
  return { token, lasts: "lasts until it is cut off, and is the same at each start" };
}

async function keepRow(pool: pg.Pool, userId: number) {
  const client = await pool.connect();
  let isBroken = true;
  try {
    await client.query("begin");
    await client.query("select set_config('app.user_id', $1, true)", [String(userId)]);
    const found = await client.query(
      `select ${COLUMNS} from personal_tokens
       where user_id = $1 and name = $2 and scopes is null and expires_at is null
       order by created_at limit 1`,
      [userId, NAME],
    );
    const { rows } =
      found.rows.length > 0
        ? found
        : await client.query(
            `insert into personal_tokens (user_id, id, name) values ($1, $2, $3) returning ${COLUMNS}`,
            [userId, randomUUID(), NAME],
          );
    await client.query("commit");
    isBroken = false;
    return rowsSchema.parse(rows)[0];
  } finally {
    // A connection whose transaction may still be open is thrown away.
    client.release(isBroken);
  }
}
