import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import pg from "pg";
import { z } from "zod";
import { listenOnLoopback } from "../../local/loopback-server.ts";

/** Where a test reads the database as its owner, and not through the worker. */
export interface OwnerDoor {
  readonly url: string;
  readonly token: string;
}

/** Runs work on a connection that is the owner's, and nobody else's, while it lasts. */
export type AsOwner = <Result>(work: (client: pg.ClientBase) => Promise<Result>) => Promise<Result>;

const requestSchema = z.object({
  sql: z.string(),
  params: z.array(z.unknown()),
  /** For how many milliseconds the rows stay locked: the answer begins once they are, and ends once they are free. */
  hold: z.int().optional(),
});
const DATE = 1082;
// `pg` would make a moment in this machine's time zone of a day.
pg.types.setTypeParser(DATE, (day) => day);

/** Runs each work on a connection of its own to PostgreSQL: while there are any left, none waits for what another test holds. */
export function eachOnItsOwn(pool: pg.Pool): AsOwner {
  return async (work) => {
    const client = await pool.connect();
    try {
      return await work(client);
    } finally {
      client.release();
    }
  };
}

/** Opens an owner's door on loopback: SQL in, rows out, for anybody who has the token. */
export async function openOwnerDoor(asOwner: AsOwner): Promise<OwnerDoor & { close(): Promise<void> }> {
  const token = randomBytes(24).toString("hex");
  const server = createServer(async (request, response) => {
    if (request.headers.authorization !== `Bearer ${token}`) return response.writeHead(401).end();
    try {
      const { sql, params, hold } = requestSchema.parse(JSON.parse(await text(request)));
      if (hold !== undefined) {
        await asOwner((client) => holdRows(client, sql, params, hold, () => response.writeHead(200).flushHeaders()));
        return response.end();
      }
      const rows = await asOwner((client) => queryRows(client, sql, params));
      return response.writeHead(200).end(JSON.stringify(rows));
    } catch (error) {
      if (response.headersSent) return response.destroy();
      return response.writeHead(400).end(error instanceof Error ? error.message : String(error));
    }
  });
  const { url, close } = await listenOnLoopback(server);
  return {
    url,
    token,
    close,
  };
}

async function holdRows(
  client: pg.ClientBase,
  sql: string,
  params: unknown[],
  hold: number,
  onLocked: () => void,
): Promise<void> {
  await client.query("begin");
  try {
    const { rowCount } = await client.query(sql, params);
    if (!rowCount) throw new Error("there is no such row to hold");
    onLocked();
    await new Promise((resolve) => setTimeout(resolve, hold));
  } finally {
    await client.query("rollback");
  }
}

/** Rows with the values that `pg` makes of them, over either database; a date stays text. */
async function queryRows(client: pg.ClientBase, sql: string, params: unknown[]): Promise<Record<string, unknown>[]> {
  const { rows, fields } = await client.query<unknown[]>({ text: sql, values: params, rowMode: "array" });
  const parse = (value: unknown, typeId: number): unknown =>
    typeof value === "string" ? pg.types.getTypeParser(typeId, "text")(value) : value;
  return rows.map((row) =>
    Object.fromEntries(fields.map(({ name, dataTypeID }, index) => [name, parse(row[index], dataTypeID)])),
  );
}
