import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { ClaimModel, type ModelAnswer, type ModelTask, type Standing } from "../support/claim-model.ts";
import { type ClaimDatabase, type ClaimingAgent, openClaimDatabase } from "../support/claiming-agents.ts";
import { findPostgresql } from "../support/postgresql-cluster.ts";

const TASKS = 3;
const AGENTS = ["Claude", "Codex"];
const PERSON = "Ada";

/** How many sequences of how many calls at most; `MODEL_RUNS=2000` for a long look, with another `MODEL_SEED` each time. */
const RUNS = z.coerce.number().int().positive().default(40).parse(process.env.MODEL_RUNS);
const SEED = z.coerce.number().int().default(20_262).parse(process.env.MODEL_SEED);
const CALLS = 40;

/** Who calls, by name, and what they can do. */
interface Real {
  readonly database: ClaimDatabase;
  readonly userId: number;
  readonly callers: ReadonlyMap<string, ClaimingAgent>;
}

/** Which number a call names: none, the task's last claim, or one that was made some time, of whichever task. */
type Names = "none" | "last" | number;

/** Who calls, about which task, and what they say of claims. */
interface Asked {
  readonly who: string;
  readonly id: number;
  readonly names: Names;
}

const names = fc.oneof(
  { weight: 3, arbitrary: fc.constant("none" as const) },
  { weight: 4, arbitrary: fc.constant("last" as const) },
  { weight: 2, arbitrary: fc.nat(20) },
);
const asked = fc.record({
  who: fc.constantFrom(...AGENTS, PERSON),
  id: fc.integer({ min: 1, max: TASKS }),
  names,
});
const minutes = fc.integer({ min: 1, max: 10 });

const rowsSchema = z.array(
  z.object({
    id: z.int(),
    title: z.string(),
    status: z.enum(["pending", "completed"]),
    deleted: z.boolean(),
    version: z.int(),
    claim: z.coerce.number().nullable(),
    claimed_by: z.string().nullable(),
    minutes_left: z.int().nullable(),
    claim_lapses: z.int(),
    last_change: z.coerce.number(),
  }),
);

/** The rows of a user's tasks, and those that the model says they are. */
async function rowsOf({ database, userId }: Real) {
  const { rows } = await database.owner.query(
    `select tasks.id, title, status, deleted_at is not null as deleted, version, claim, claimed_by, claim_lapses,
       round(extract(epoch from claimed_until - now_is) / 60)::integer as minutes_left, users.last_change
     from tasks join users on users.id = user_id cross join test_clock where user_id = $1 order by tasks.id`,
    [userId],
  );
  return rowsSchema.parse(rows);
}

function modelledRows(model: ClaimModel): z.output<typeof rowsSchema> {
  return model.tasks.map((task) => ({
    ...{ id: task.id, title: task.title, status: task.isCompleted ? "completed" : "pending", deleted: task.isDeleted },
    ...{ version: task.version, claim: task.claim ?? null, claimed_by: task.holder ?? null },
    ...{ minutes_left: task.until === undefined ? null : task.until - model.now, claim_lapses: task.lapses },
    last_change: model.lastChange,
  }));
}

/** A step: what it does to the model and the real tasks, which must come to the same. */
class Step implements fc.AsyncCommand<ClaimModel, Real> {
  readonly #text: string;
  readonly #take: (model: ClaimModel, real: Real) => Promise<void>;

  constructor(text: string, take: (model: ClaimModel, real: Real) => Promise<void>) {
    this.#text = text;
    this.#take = take;
  }

  check = () => true;

  async run(model: ClaimModel, real: Real): Promise<void> {
    await this.#take(model, real);
    expect(await rowsOf(real), this.#text).toEqual(modelledRows(model));
  }

  toString = () => this.#text;
}

/** A call about one task, as a tool takes it and as the model does. */
function call(
  what: string,
  tool: string,
  input: (model: ClaimModel, task: ModelTask) => Record<string, unknown>,
  modelled: (model: ClaimModel, task: ModelTask, standing: Standing, who: string) => ModelAnswer,
) {
  return ({ who, id, names: named }: Asked) =>
    new Step(`${who}: ${what} #${id}, naming ${named}`, async (model, { callers }) => {
      const task = model.tasks[id - 1];
      if (task === undefined) throw new Error(`there is no task ${id}`);
      const number =
        named === "none" ? undefined : named === "last" ? task.claim : model.claims[named % model.claims.length];
      // A person names no claim: they override the one that they have seen. Should an agent's call say so, it is not let by that.
      const standing: Standing = who === PERSON ? { overrides: number } : { given: number };
      const shown = who === PERSON ? number : task.claim;
      const answer = await callers.get(who)?.(
        tool,
        { ...input(model, task), ...("given" in standing && { claim: number }) },
        shown === undefined ? undefined : new Map([[id, shown]]),
      );
      const { isLet, change } = modelled(model, task, standing, who);
      expect({ isLet: answer !== undefined, change: answer?.change }).toEqual({ isLet, change });
    });
}

const about = ({ id }: ModelTask) => ({ task_id: id });

const write = (title: string) =>
  call(
    "write",
    "update_task",
    (_, task) => ({ ...about(task), title }),
    (model, task, standing) => model.write(task, { title }, standing),
  );

/** Claims, or renews the claim that is named. */
const claim = (minutesAsked: number, title?: string) =>
  call(
    `claim for ${minutesAsked}${title === undefined ? "" : " and write"}`,
    "update_task",
    (_, task) => ({ ...about(task), claim_minutes: minutesAsked, title }),
    (model, task, standing, holder) =>
      model.write(task, title === undefined ? {} : { title }, standing, { holder, minutes: minutesAsked }),
  );

const release = call(
  "release",
  "update_task",
  (_, task) => ({ ...about(task), release: true, note: "The rest is left." }),
  (model, task, standing) => model.write(task, {}, standing, "release"),
);

const complete = call(
  "complete",
  "complete_task",
  (_, task) => about(task),
  (model, task, standing) => model.write(task, { isCompleted: true }, standing),
);

const reopen = call(
  "reopen",
  "update_task",
  (_, task) => ({ ...about(task), status: "pending" }),
  (model, task, standing) => model.write(task, { isCompleted: false }, standing),
);

const remove = call(
  "delete",
  "delete_task",
  (_, task) => about(task),
  (model, task, standing) => model.write(task, { isDeleted: true }, standing),
);

/** Of a task that nobody has changed yet there is nothing to undo: a number is asked for that no change has. */
const undo = call(
  "undo",
  "update_task",
  (model, task) => ({ undo: model.undoable(task) ?? 1_000_000 }),
  (model, task, standing) => model.undo(task, standing),
);

const claimNext = (who: string, minutesAsked: number) =>
  new Step(`${who}: claim the next for ${minutesAsked}`, async (model, { callers }) => {
    const answer = await callers.get(who)?.("update_task", { claim_next: true, claim_minutes: minutesAsked });
    const taken = model.takeNext(1, who, minutesAsked);
    expect(answer?.tasks.map(({ id }) => id)).toEqual(taken.map(({ id }) => id));
    expect(answer?.change).toBe(taken.length === 0 ? undefined : model.lastChange);
  });

const jump = (by: number) =>
  new Step(`the clock jumps by ${by}`, async (model, { database }) => {
    await database.advance(by);
    model.now += by;
  });

const title = fc.integer({ min: 1, max: 9 }).map((number) => `Title ${number}`);

const steps = [
  asked.chain((one) => minutes.map((many) => claim(many)(one))),
  asked.chain((one) => fc.tuple(minutes, title).map(([many, text]) => claim(many, text)(one))),
  asked.chain((one) => title.map((text) => write(text)(one))),
  fc.tuple(fc.constantFrom(...AGENTS, PERSON), minutes).map(([who, many]) => claimNext(who, many)),
  fc.integer({ min: -5, max: 15 }).map(jump),
  fc.constant(11).map(jump),
  ...[release, complete, reopen, remove, undo].map((one) => asked.map(one)),
];

describe.skipIf(findPostgresql() === undefined)("claims do what their model says", { timeout: 600_000 }, () => {
  let database: ClaimDatabase;
  beforeAll(async () => {
    database = await openClaimDatabase();
  }, 60_000);
  afterAll(async () => {
    await database?.close();
  });

  it(`in ${RUNS} sequences of calls by agents and a person, while the clock jumps`, async () => {
    const property = fc.asyncProperty(fc.commands(steps, { maxCommands: CALLS, size: "max" }), async (commands) => {
      const userId = await database.newUser(TASKS);
      const callers = new Map<string, ClaimingAgent>([
        ...AGENTS.map((name) => [name, database.agent(userId, name)] as const),
        [PERSON, database.person(userId, PERSON)],
      ]);
      const model = new ClaimModel(TASKS, 1);
      await fc.asyncModelRun(() => ({ model, real: { database, userId, callers } }), commands);
    });
    // What fails is told with its seed, in as few steps as it takes.
    await fc.assert(property, { numRuns: RUNS, seed: SEED });
  });
});
