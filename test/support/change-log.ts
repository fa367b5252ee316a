import { expect } from "vitest";
import { z } from "zod";
import { ownerQuery } from "./owner.ts";

const imageSchema = z.record(z.string(), z.unknown());
type Image = z.output<typeof imageSchema>;

const callSchema = z.object({
  change: z.coerce.number(),
  tool: z.string().nullable(),
  via: z.string(),
  client: z.string().nullable(),
  credential_kind: z.string().nullable(),
  credential_id: z.string().nullable(),
  request_id: z.string().nullable(),
  note: z.string().nullable(),
  undoes: z.coerce.number().nullable(),
});

const taskChangeSchema = z.object({
  change: z.coerce.number(),
  task_id: z.int(),
  operation: z.enum(["baseline", "insert", "update", "delete", "restore"]),
  before: imageSchema.nullable(),
  after: imageSchema.nullable(),
  overrode: z.coerce.number().nullable(),
});
export type LoggedTaskChange = z.output<typeof taskChangeSchema>;

/** What a program may do to a user's tasks by SQL, past the worker. */
export const writesBySql: readonly string[] = [
  "insert into tasks (user_id, title, tags) select $1, 'Raw ' || n, array['a'] from generate_series(1, 3) n",
  "update tasks set title = left(title, 1) || id, version = version + 1 where user_id = $1 and id % 3 = 0",
  "update tasks set deleted_at = now(), version = version + 1 where user_id = $1 and id % 5 = 0 and deleted_at is null",
  "update tasks set deleted_at = null, version = version + 1 where user_id = $1 and id % 2 = 0",
  "delete from tasks where user_id = $1 and id % 7 = 0 and deleted_at is null",
];

/** The calls that are logged of a user, in order. */
export async function loggedCalls(userId: number): Promise<z.output<typeof callSchema>[]> {
  return z
    .array(callSchema)
    .parse(await ownerQuery("select * from changes where user_id = $1 order by change", [userId]));
}

/** What is logged of a user's tasks, in order. */
export async function loggedTaskChanges(userId: number): Promise<LoggedTaskChange[]> {
  const rows = await ownerQuery("select * from task_changes where user_id = $1 order by change, task_id", [userId]);
  return z.array(taskChangeSchema).parse(rows);
}

/** The tasks as the log has them, by their ids: what each change did, one after the other from the baseline on. */
function replay(log: readonly LoggedTaskChange[]): Map<number, Image> {
  const tasks = new Map<number, Image>();
  for (const { task_id: id, operation, ...logged } of log) {
    const [before, after] = [withoutLease(logged.before), withoutLease(logged.after)];
    const known = tasks.get(id);
    // Each starts from what the one before it has left.
    expect({ ...known, ...(operation === "baseline" ? {} : before) }).toEqual(known ?? before ?? {});
    if (after === null) tasks.delete(id);
    else tasks.set(id, operation === "update" ? { ...known, ...after } : after);
  }
  return tasks;
}

/** Makes sure that the log, replayed from its baseline, gives exactly the tasks that are there, and that it has no gap. */
export async function expectWholeLog(userId: number): Promise<void> {
  const rows = await ownerQuery(
    "select id, last_change::integer, logged_columns(to_jsonb(tasks)) as image from tasks where user_id = $1 order by id",
    [userId],
  );
  const log = await loggedTaskChanges(userId);
  const replayed = replay(log);
  expect(Object.fromEntries([...replayed].map(([id, image]) => [id, inUtc(image)]))).toEqual(
    Object.fromEntries(rows.map(({ id, image }) => [id, inUtc(withoutLease(imageSchema.parse(image)) ?? {})])),
  );
  const lastChanges = new Map(log.map((logged) => [logged.task_id, logged]));
  for (const { id, last_change: last } of rows) {
    const { change, operation } = lastChanges.get(Number(id)) ?? {};
    // A task that was there before the log has no number yet.
    if (operation !== "baseline" || last !== 0) expect(last, `#${id}`).toBe(change);
  }

  const [user] = await ownerQuery(
    `select last_change::integer, log_baseline::integer, task_count,
       (select count(*)::integer from tasks where user_id = users.id and deleted_at is null) as tasks
     from users where id = $1`,
    [userId],
  );
  expect(user?.task_count).toBe(user?.tasks);
  const baseline = Number(user?.log_baseline);
  const numbers = Array.from({ length: Number(user?.last_change) - baseline }, (_, index) => baseline + 1 + index);
  const afterBaseline = (logged: readonly { readonly change: number }[]) =>
    [...new Set(logged.map(({ change }) => change))].filter((change) => change > baseline);
  expect(afterBaseline(await loggedCalls(userId))).toEqual(numbers);
  expect(afterBaseline(log)).toEqual(numbers);
  for (const { change, operation } of log) if (change <= baseline) expect(operation).toBe("baseline");
}

/** A claim that is renewed is not logged: until when it holds may be later than the log says. */
function withoutLease(image: Image | null): Image | null {
  if (image === null) return null;
  const { claimed_until: _until, ...logged } = image;
  return logged;
}

/** Postgres writes a moment in the time zone of its session. */
function inUtc(image: Image): Image {
  return Object.fromEntries(
    Object.entries(image).map(([name, value]) => [
      name,
      name.endsWith("_at") && typeof value === "string" ? new Date(value).toISOString() : value,
    ]),
  );
}
