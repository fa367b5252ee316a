import { randomInt } from "node:crypto";
import { z } from "zod";
import { hashPassword } from "../../../src/auth/password.ts";
import { issueToken } from "../../../src/auth/token.ts";
import { readProblem, type Told, wait } from "../obedient-client.ts";
import { type FaultyServer, JWT_SECRET } from "./faulty-server.ts";

export const PASSWORD = "TestPass123";

/** Somebody with an account of their own. */
export interface Account {
  readonly id: number;
  readonly token: string;
}

const idSchema = z.tuple([z.object({ id: z.int() })]);
let passwordHash: Promise<string> | undefined;

/** Makes somebody an account, past the worker and the faults in its way. */
export async function newAccount({ url, owner }: FaultyServer): Promise<Account> {
  passwordHash ??= hashPassword(PASSWORD);
  const { rows } = await owner.query(
    "insert into users (email, name, password_hash) values ($1, 'Ada', $2) returning id",
    [`${crypto.randomUUID()}@example.com`, await passwordHash],
  );
  const [{ id }] = idSchema.parse(rows);
  const { token } = await issueToken(id, 3600, { secret: JWT_SECRET, issuer: url });
  return { id, token };
}

/** Sends a request as somebody, or as nobody, and reads what is told. */
export async function send(
  server: FaultyServer,
  method: string,
  path: string,
  body: unknown,
  account?: Account,
): Promise<Told> {
  const response = await post(server, method, path, body, account);
  if (!response.ok) return readProblem(response);
  await response.text();
  return { answer: "done", tasks: [], replayed: false };
}

/** Sends a request that reads as often as it is told that it may be tried again. */
export async function sendUntilAnswered(...request: Parameters<typeof send>): Promise<Told> {
  for (;;) {
    const told = await send(...request);
    if (told.answer !== "nothing changed") return told;
    await wait(told.retryAfter);
  }
}

/** Sends a request with a JSON body, each from an address of its own: one that signs in much has few places at once. */
export function post(
  { url }: FaultyServer,
  method: string,
  path: string,
  body: unknown,
  account?: Account,
): Promise<Response> {
  return fetch(`${url}${path}`, {
    method,
    headers: {
      "Content-Type": "application/json",
      "CF-Connecting-IP": `10.${randomInt(256)}.${randomInt(256)}.${randomInt(256)}`,
      ...(account !== undefined && { Authorization: `Bearer ${account.token}` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}
