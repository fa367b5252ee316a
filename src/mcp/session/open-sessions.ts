import { and, asc, eq, inArray, or, sql } from "drizzle-orm";
import { mcpSessions } from "../../database/schema.ts";
import type { QueryBuilder } from "../../database/statement.ts";
import type { UserDatabase } from "../../database/user-database.ts";
import { limitReached } from "../../limits.ts";
import { metrics } from "../../observability/metrics.ts";

// A person's open sessions are rows of mcp_sessions: one is put there before its object is opened, and taken out by the
// client's DELETE. A session that ends by itself leaves its row, as no credential is at hand then; the row goes when the
// person has as many as there may be, and its session is asked whether it is still used. So opening one asks the database
// once, and a session that is used writes nothing there.

/** How many sessions of the 2025 protocols a person may have open. */
const MOST_SESSIONS = 50;
/** A session that was not used for this long, in milliseconds, ends where another is to be opened. */
const IDLE = 60 * 60 * 1000;

/** A session that was asked: it has ended, or it goes on. */
interface AskedSession {
  readonly objectId: string;
  readonly hasEnded: boolean;
}

/**
 * Makes room for a session among those that a person has open.
 *
 * @throws ApplicationError `unauthenticated`; `rate_limited` where there is no room
 */
export async function registerSession(
  database: UserDatabase,
  sessions: Env["MCP_SESSIONS"],
  objectId: string,
): Promise<void> {
  const idle = await tryToRegister(database, objectId, []);
  if (idle === undefined) return;
  const asked = await Promise.all(idle.map((id) => askToEnd(sessions, id)));
  // Also where none has ended: those that go on are not asked again for an hour.
  if (asked.length > 0 && (await tryToRegister(database, objectId, asked)) === undefined) return;
  metrics.count("limits_reached_total", { limit: "sessions" });
  throw limitReached("sessions", MOST_SESSIONS);
}

/**
 * Takes a session out of those that are open.
 *
 * @throws ApplicationError `unauthenticated`
 */
export async function unregisterSession(database: UserDatabase, objectId: string): Promise<void> {
  await database.write("close_session", (query) => [
    query.delete(mcpSessions).where(and(eq(mcpSessions.userId, database.userId), eq(mcpSessions.objectId, objectId))),
  ]);
}

/** @returns undefined where it is registered; else the sessions that may have been idle for long enough to end */
async function tryToRegister(
  database: UserDatabase,
  objectId: string,
  asked: readonly AskedSession[],
): Promise<readonly string[] | undefined> {
  const { userId } = database;
  const ofUser = eq(mcpSessions.userId, userId);
  const isOneOf = (some: readonly AskedSession[]) =>
    and(
      ofUser,
      inArray(
        mcpSessions.objectId,
        some.map((session) => session.objectId),
      ),
    );
  const select = (query: QueryBuilder) =>
    query
      .select({ objectId: mcpSessions.objectId })
      .from(mcpSessions)
      .where(
        and(
          ofUser,
          or(
            eq(mcpSessions.objectId, objectId),
            sql`${mcpSessions.usedAt} < now() - ${IDLE} * interval '1 millisecond'`,
          ),
        ),
      )
      .orderBy(asc(mcpSessions.usedAt));
  const { results } = await database.write("open_session", (query) => {
    const remove = query.delete(mcpSessions).where(isOneOf(asked.filter(({ hasEnded }) => hasEnded)));
    const keep = query
      .update(mcpSessions)
      .set({ usedAt: sql`now()` })
      .where(isOneOf(asked.filter(({ hasEnded }) => !hasEnded)));
    const isRoom = sql`(select count(*) from ${mcpSessions} where ${ofUser}) < ${MOST_SESSIONS}`;
    const insert = sql`insert into ${mcpSessions} (user_id, object_id) select ${userId}, ${objectId} where ${isRoom}
      on conflict do nothing`;
    return [remove, keep, query.execute(insert), select(query)];
  });
  // Where an attempt has done it whose answer was lost, its row says so.
  const rows = results?.[3] ?? (await database.read((query) => [select(query)])).results[0];
  const found = rows.map((row) => row.objectId);
  return found.includes(objectId) ? undefined : found;
}

async function askToEnd(sessions: Env["MCP_SESSIONS"], objectId: string): Promise<AskedSession> {
  const session = find(sessions, objectId);
  if (session === undefined) return { objectId, hasEnded: true };
  try {
    return { objectId, hasEnded: await session.endIfIdle(IDLE) };
  } catch {
    // It cannot be asked now, or runs the release before, which cannot tell: it goes on.
    return { objectId, hasEnded: false };
  }
}

/** @returns undefined for an id of another namespace, such as that of a database that was restored here */
function find(sessions: Env["MCP_SESSIONS"], objectId: string) {
  try {
    return sessions.get(sessions.idFromString(objectId));
  } catch {
    return undefined;
  }
}
