/**
 * What a page of a list costs a person with 100,000 tasks beside one with 1,000, in one run: `npx node bench/list-tasks.ts`. Both
 * are among a million tasks of one database; they call in turn, call by call, over HTTP. Fails where the median of a list is more
 * than 1.3 times the other's.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { bundleWorker } from "../local/worker-bundle.ts";
import { startDatabaseThread } from "../test/support/databases.ts";
import { makeMillionTasks } from "../test/support/million-tasks.ts";
import { findPostgresql, startPostgresqlCluster } from "../test/support/postgresql-cluster.ts";
import { medianOf } from "./median.ts";
import { startProductWorker } from "./product-worker.ts";

const CALLS = Number(process.env.CALLS ?? 200);
const WARM_UP = 50;
const FEW_TASKS = 1000;
const ALLOWED_RATIO = 1.3;

const lists: readonly (readonly [name: string, input: object])[] = [
  ["by due", {}],
  ["by priority", { order: "priority" }],
  ["by creation", { order: "created" }],
  ["by update", { order: "updated" }],
  ["by position", { order: "position" }],
  ["everything", { status: "all" }],
  ["ready", { status: "ready" }],
  ["overdue", { due: "overdue" }],
  ["a tag of half of them", { tags: ["common"] }],
  ["a word of an eighth", { search: "dentist" }],
];

async function main(): Promise<void> {
  const programs = findPostgresql();
  if (programs === undefined) throw new Error("PostgreSQL is not installed");
  const temporary = await mkdtemp(join(tmpdir(), "tasks-bench-"));
  const cluster = await startPostgresqlCluster(programs);
  const closing: (() => Promise<void>)[] = [() => cluster.remove()];
  try {
    const workerUrl = cluster.url();
    Object.assign(workerUrl, { username: "task_worker", password: "the-worker" });
    const database = await startDatabaseThread({ ownerUrl: cluster.url().href, workerUrl: workerUrl.href });
    closing.unshift(() => database.close());
    const people = await makePeople(cluster.url());
    const worker = await startProductWorker(
      await bundleWorker(join(temporary, "bundle")),
      database.database,
      join(temporary, "workerd"),
    );
    closing.unshift(() => worker.close());
    const tokens = await Promise.all(people.map(worker.tokenOf));
    process.exitCode = (await compare(tokens, (token, input) => worker.time(token, "list_tasks", input))) ? 0 : 1;
  } finally {
    for (const close of closing) await close();
    await rm(temporary, { recursive: true, force: true });
  }
}

/** @returns the ids of the person with 100,000 tasks, and of the one with the first 1,000 of those */
async function makePeople(url: URL): Promise<readonly [many: number, few: number]> {
  const owner = new pg.Client({ connectionString: url.href });
  await owner.connect();
  try {
    const many = await makeMillionTasks(owner);
    const { rows } = await owner.query(
      "insert into users (email, name, password_hash) values ('few@example.com', 'Bob', 'none') returning id",
    );
    const few = Number(rows[0]?.id);
    await owner.query(
      `insert into tasks (user_id, title, status, priority, due_date, due_at, tags, completed_at, deleted_at, position)
       select $2, title, status, priority, due_date, due_at, tags, completed_at, deleted_at, position
       from tasks where user_id = $1 order by id limit $3`,
      [many, few, FEW_TASKS],
    );
    await owner.query("vacuum analyze");
    return [many, few];
  } finally {
    await owner.end();
  }
}

/** @returns whether no list costs the one with many tasks more than it may */
async function compare(
  tokens: readonly string[],
  call: (token: string, input: object) => Promise<number>,
): Promise<boolean> {
  process.stdout.write(`a page of 20 over HTTP, median of ${CALLS} calls each\n`);
  let isWithin = true;
  for (const [name, input] of lists) {
    const durations = new Map<string, number[]>(tokens.map((token) => [token, []]));
    for (let turn = 0; turn < CALLS + WARM_UP; turn += 1) {
      // Each is first as often as the other.
      for (const token of turn % 2 === 0 ? tokens : tokens.toReversed()) {
        const milliseconds = await call(token, input);
        if (turn >= WARM_UP) durations.get(token)?.push(milliseconds);
      }
    }
    const [many = Number.NaN, few = Number.NaN] = tokens.map((token) => medianOf(durations.get(token) ?? []));
    const ratio = many / few;
    if (!(ratio <= ALLOWED_RATIO)) isWithin = false;
    process.stdout.write(
      `  ${name.padEnd(22)} ${many.toFixed(2)} ms of 100,000 tasks, ${few.toFixed(2)} ms of 1,000: ${ratio.toFixed(2)}\n`,
    );
  }
  process.stdout.write(`  at most ${ALLOWED_RATIO} allowed: ${isWithin ? "kept" : "missed"}\n`);
  return isWithin;
}

await main();
