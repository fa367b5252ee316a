import { z } from "zod";
import { type Interface, ObedientClient, type Told } from "../obedient-client.ts";
import { type Random, seededRandom } from "../seeded-random.ts";
import { type Account, newAccount, PASSWORD, send, sendUntilAnswered } from "./account.ts";
import type { FaultyServer } from "./faulty-server.ts";

/** What a write does. Each has a task or an account that no other write touches. */
const kinds = ["create", "update", "complete", "delete", "sign-up", "sign-out", "account deletion"] as const;
type Kind = (typeof kinds)[number];

/** How often each comes beside the others: passwords are hashed on purpose slowly. */
const shares: Record<Kind, number> = {
  create: 12,
  update: 12,
  complete: 10,
  delete: 10,
  "sign-up": 1,
  "sign-out": 2,
  "account deletion": 1,
};
const bag = kinds.flatMap((kind) => new Array<Kind>(shares[kind]).fill(kind));

/** Most come by plain HTTP. */
const interfaces: readonly Interface[] = ["http", "http", "http", "session", "stateless"];

const PEOPLE = 4;

/** A write that is to be made once. */
export interface PlannedWrite {
  readonly kind: Kind;
  /** What makes it known in the rows. */
  readonly mark: string;
  readonly interface: Interface;
  readonly isKeyed: boolean;
  /** Whether its client leaves it at a failure instead of making it again. */
  readonly givesUp: boolean;
  /** Makes it once. */
  call(): Promise<Told>;
  /** Whether it has been carried out, as far as the server shows it to its client. */
  look(): Promise<boolean>;
  /** How often it has been carried out, by the rows as the owner sees them. */
  times(): Promise<number>;
}

/** Somebody with clients, and with tasks that wait for what is done to them. */
interface Worker extends Account {
  readonly clients: readonly ObedientClient[];
  readonly taskIds: number[];
}

const idsSchema = z.array(z.object({ id: z.int() }));
const countSchema = z.tuple([z.object({ count: z.coerce.number() })]);

/** Makes accounts, sessions and tasks, and plans so many writes of all kinds on them; the same for the same seed. */
export async function planWrites(server: FaultyServer, count: number, seed: number): Promise<PlannedWrite[]> {
  const random = seededRandom(seed);
  const workers = await Promise.all(Array.from({ length: PEOPLE }, () => newWorker(server, count)));
  const writes: PlannedWrite[] = [];
  for (let index = 0; index < count; index += 1) {
    const worker = pick(workers, random);
    const client = pick(worker.clients, random);
    const kind = pick(bag, random);
    const [isKeyed, inHeader, givesUp] = [random() < 0.5, random() < 0.3, random() < 0.3];
    const plan = { mark: `write-${seed}-${index}`, givesUp };
    if (kind === "sign-up" || kind === "sign-out" || kind === "account deletion") {
      writes.push({
        kind,
        ...plan,
        interface: "http",
        isKeyed: false,
        ...(await accountWrite(server, kind, plan.mark)),
      });
      continue;
    }
    const key = isKeyed ? `key-${plan.mark}` : undefined;
    const how = { client, key, inHeader: inHeader && client.interface === "http" };
    writes.push({
      kind,
      ...plan,
      interface: client.interface,
      isKeyed,
      ...taskWrite(server, kind, plan.mark, worker, how),
    });
  }
  return writes;
}

type Acts = Pick<PlannedWrite, "call" | "look" | "times">;

/** Something that a tool does to a task. */
function taskWrite(
  server: FaultyServer,
  kind: "create" | "update" | "complete" | "delete",
  mark: string,
  { id: userId, taskIds }: Worker,
  { client, key, inHeader }: { client: ObedientClient; key: string | undefined; inHeader: boolean },
): Acts {
  const taskId = kind === "create" ? undefined : taskIds.pop();
  const input = {
    ...(kind === "create" && { title: mark }),
    // A repeat that does not know its own change would meet another version.
    ...(kind === "update" && { description: mark, expected_version: 1 }),
    ...(taskId !== undefined && { task_id: taskId }),
    ...(key !== undefined && !inHeader && { idempotency_key: key }),
  };
  return {
    call: () => client.call(`${kind}_task`, input, inHeader ? key : undefined),
    async look() {
      if (kind === "create") {
        const told = await client.read("list_tasks", { search: mark, status: "all" });
        return told.answer === "done" && told.tasks.length > 0;
      }
      const told = await client.read("get_task", { task_id: taskId });
      if (told.answer !== "done") return kind === "delete" && told.answer === "refused" && told.status === 404;
      const [task] = told.tasks;
      return kind === "update" ? task?.description === mark : kind === "complete" && task?.status === "completed";
    },
    async times() {
      if (kind === "create") {
        return count(server, "select count(*) from tasks where user_id = $1 and title = $2", [userId, mark]);
      }
      const ofTask = "from tasks where user_id = $1 and id = $2";
      if (kind === "delete")
        return count(server, `select 1 - count(*) as count ${ofTask} and deleted_at is null`, [userId, taskId]);
      // Each change makes another version.
      return count(server, `select version - 1 as count ${ofTask}`, [userId, taskId]);
    },
  };
}

/** Something that happens to an account. */
async function accountWrite(
  server: FaultyServer,
  kind: "sign-up" | "sign-out" | "account deletion",
  mark: string,
): Promise<Acts> {
  if (kind === "sign-up") {
    const credentials = { email: `${mark}@example.com`, password: PASSWORD };
    return {
      call: () => send(server, "POST", "/api/auth/signup", credentials),
      look: async () => (await sendUntilAnswered(server, "POST", "/api/auth/signin", credentials)).answer === "done",
      times: () => count(server, "select count(*) from users where email = $1", [credentials.email]),
    };
  }
  const account = await newAccount(server);
  const isSignedOut = async () => {
    const told = await sendUntilAnswered(server, "GET", "/api/auth/me", undefined, account);
    return told.answer === "refused" && told.status === 401;
  };
  return kind === "sign-out"
    ? {
        call: () => send(server, "POST", "/api/auth/signout", {}, account),
        look: isSignedOut,
        times: () => count(server, "select count(*) from revoked_tokens where user_id = $1", [account.id]),
      }
    : {
        call: () => send(server, "DELETE", "/api/auth/me", { password: PASSWORD }, account),
        look: isSignedOut,
        times: () => count(server, "select 1 - count(*) as count from users where id = $1", [account.id]),
      };
}

async function newWorker(server: FaultyServer, count: number): Promise<Worker> {
  const account = await newAccount(server);
  const opened = interfaces.map((how) => new ObedientClient(server.url, account.token, how).open());
  const { rows } = await server.owner.query(
    "insert into tasks (user_id, title) select $1, 'Waiting' from generate_series(1, $2) returning id",
    [account.id, count],
  );
  return { ...account, clients: await Promise.all(opened), taskIds: idsSchema.parse(rows).map(({ id }) => id) };
}

async function count({ owner }: FaultyServer, query: string, values: unknown[]): Promise<number> {
  return countSchema.parse((await owner.query(query, values)).rows)[0].count;
}

function pick<Item>(items: readonly Item[], random: Random): Item {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error("there is nothing to pick from");
  return item;
}
