import { and, desc, eq, lt, ne, type SQL, sql } from "drizzle-orm";
import { changes, oauthGrants, personalTokens, taskChanges } from "../database/schema.ts";
import type { QueryBuilder } from "../database/statement.ts";
import type { UserDatabase } from "../database/user-database.ts";
import { found } from "../errors.ts";
import { type LoggedChange, loggedChangeSchema } from "./logged-change.ts";
import { selectWholeTask, type TaskKey } from "./select-task.ts";
import { toWholeTask, type WholeTask } from "./task.ts";

/** A task, and what happened to it. */
export interface TaskHistory {
  readonly task: WholeTask;
  /** From the last on. */
  readonly changes: readonly LoggedChange[];
  /** Whether there are changes before these. */
  readonly isMore: boolean;
  /** The person's. */
  readonly timeZone: string;
}

/** How many changes a conflict tells of. */
export const MOST_SINCE = 5;

/** Who made a change is told as who holds a claim is (`claimant` of drizzle/0023_claims.sql). */
const nameOfToken = sql`(
  select ${personalTokens.name} from ${personalTokens} where ${personalTokens.userId} = ${changes.userId}
  and ${personalTokens.id} = case when ${changes.credentialKind} = 'personal' then ${changes.credentialId}::uuid end
)`;
const nameOfGrant = sql`(
  select nullif(${oauthGrants.clientName}, '') from ${oauthGrants} where ${changes.credentialKind} = 'oauth'
  and ${oauthGrants.userId} = ${changes.userId} and ${oauthGrants.id} = ${changes.credentialId}
)`;

/** The name that is told of who made a change: a row of `changes`. */
export const tellsWho = sql<string>`coalesce(${nameOfToken}, ${changes.client}, ${nameOfGrant}, ${changes.via})`.as(
  "by",
);

const loggedColumns = {
  change: taskChanges.change,
  at: changes.at,
  via: changes.via,
  by: tellsWho,
  note: changes.note,
  undoes: changes.undoes,
  overrode: taskChanges.overrode,
  operation: taskChanges.operation,
  before: taskChanges.before,
  after: taskChanges.after,
};

/**
 * Reads a task with its last changes.
 *
 * @param limit how many
 * @param before only changes before that of this number
 * @throws ApplicationError `not_found`
 */
export async function readHistory(
  database: UserDatabase,
  id: number,
  limit: number,
  before: number | undefined,
): Promise<TaskHistory> {
  const key = { userId: database.userId, id };
  const earlier = before === undefined ? undefined : lt(taskChanges.change, before);
  const { results, timeZone } = await database.read((query) => [
    selectWholeTask(key),
    selectLogged(query, key, earlier).limit(limit + 1),
  ]);
  const task = toWholeTask(found(results[0][0], "Task"), timeZone);
  const logged = results[1].map((row) => loggedChangeSchema.parse(row));
  return { task, changes: logged.slice(0, limit), isMore: logged.length > limit, timeZone };
}

/** The last changes that took a task past a version, as JSON, for `readChangesSince`. */
export function changesSince(query: QueryBuilder, key: TaskKey, version: number): SQL<unknown> {
  const isLater = and(
    ne(taskChanges.operation, "baseline"),
    sql`(${taskChanges.after} -> 'version')::integer > ${version}::integer`,
  );
  const since = selectLogged(query, key, isLater)
    .limit(MOST_SINCE + 1)
    .as("since");
  return sql`(select jsonb_agg(to_jsonb(since)) from ${since})`;
}

/** What `changesSince` has read, in order: one more than are told, where there are more. */
export function readChangesSince(since: unknown): readonly LoggedChange[] {
  return loggedChangeSchema.array().nullable().parse(since)?.toReversed() ?? [];
}

function selectLogged(query: QueryBuilder, { userId, id }: TaskKey, which: SQL | undefined) {
  return query
    .select(loggedColumns)
    .from(taskChanges)
    .innerJoin(changes, and(eq(changes.userId, taskChanges.userId), eq(changes.change, taskChanges.change)))
    .where(and(eq(taskChanges.userId, userId), eq(taskChanges.taskId, id), which))
    .orderBy(desc(taskChanges.change));
}
