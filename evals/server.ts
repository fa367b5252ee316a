import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { openDataDirectory } from "../local/data-directory.ts";
import { readStartEnvironment } from "../local/environment.ts";
import { startGateway } from "../local/gateway.ts";
import { openLocalDatabase } from "../local/local-database.ts";
import { HOST, listenOnLoopback } from "../local/loopback-server.ts";
import { keepSecrets } from "../local/secrets.ts";
import type { Shutdown } from "../local/shutdown.ts";
import { bundleWorker } from "../local/worker-bundle.ts";
import { runWorker } from "../local/worker-runtime.ts";
import { readConfiguration } from "../src/config.ts";
import type { ListOwner, Place } from "./run-case.ts";
import { readTasks, TASKS_OF_PERSON } from "./task-state.ts";

const sessionSchema = z.object({ token: z.string(), user: z.object({ id: z.number() }) });

/** The exit code of a run that Ctrl-C or SIGTERM has ended: not every case has passed. */
export const INTERRUPTED = 130;

/** The bounds of a person's and a day's use are not what is measured; the run has its own. */
const UNBOUNDED = {
  DAILY_TOKEN_BUDGET: "1000000000",
  DAILY_TOKEN_BUDGET_ADDRESS: "1000000000000",
  DAILY_TOKEN_BUDGET_TOTAL: "1000000000000",
  SIGN_UPS_PER_ADDRESS: "1000000",
};

/** Starts the worker as `npm start` does, with an empty database of its own unless the environment names one. */
export async function startEvalServer(environmentOfProcess: NodeJS.ProcessEnv, shutdown: Shutdown): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), "tasks-evals-"));
  shutdown.atEnd(() => rm(directory, { recursive: true, force: true }));
  const port = await freePort();
  const environment = readStartEnvironment({
    ...environmentOfProcess,
    PORT: String(port),
    DATA_DIR: join(directory, "data"),
  });
  const data = await openDataDirectory(environment.dataDirectory);
  shutdown.atEnd(() => data.release());
  process.env.TMPDIR = data.temporary;
  const secrets = await keepSecrets(data.secrets);
  const url = `http://${HOST}:${port}`;
  const variables = {
    ...environment.workerVariables,
    ...UNBOUNDED,
    JWT_SECRET: secrets.JWT_SECRET,
    TOKEN_SECRET: secrets.TOKEN_SECRET,
    ENVIRONMENT: "development",
    BASE_URL: url,
  };
  readConfiguration({ ...variables, DATABASE_URL: "postgresql://later.invalid/tasks" });
  const bundle = await bundleWorker(data.workerBundle);
  const database = await openLocalDatabase(environment, data, secrets);
  shutdown.atEnd(() => database.close());
  const gateway = await startGateway(database.pool);
  shutdown.atEnd(() => gateway.close());
  const { connectionString: DATABASE_URL, fetchEndpoint: NEON_FETCH_ENDPOINT } = gateway;
  const worker = await runWorker(bundle, port, { ...variables, DATABASE_URL, NEON_FETCH_ENDPOINT }, data);
  shutdown.atEnd(() => worker.close());
  shutdown.endOnSignals(INTERRUPTED);
  await worker.ready;
  return placeOf(url, database.pool);
}

type Pool = Awaited<ReturnType<typeof openLocalDatabase>>["pool"];

function placeOf(url: string, pool: Pool): Place {
  return {
    async signUp({ timeZone, weekStart }) {
      const account = {
        email: `${crypto.randomUUID()}@example.com`,
        password: crypto.randomUUID(),
        name: "Robin",
        time_zone: timeZone,
        ...(weekStart !== undefined && { week_start: weekStart }),
      };
      const { token, user } = sessionSchema.parse(await post(`${url}/api/auth/signup`, account));
      return listOwner(token, user.id, timeZone);
    },
    message: async ({ person }) => person,
  };

  function listOwner(token: string, id: number, timeZone: string): ListOwner {
    return {
      post: (path, body) => post(url + path, body, { authorization: `Bearer ${token}` }),
      rows: async () => readTasks(await rowsOfPerson(pool, id), timeZone),
    };
  }
}

/** Reads as the worker's role, which sees what is the person's. */
async function rowsOfPerson(pool: Pool, id: number): Promise<unknown> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query("select set_config('app.user_id', $1, true)", [String(id)]);
    const { rows } = await client.query(TASKS_OF_PERSON, [id]);
    return rows;
  } finally {
    await client.query("rollback").finally(() => client.release());
  }
}

/** Posts JSON; where the server asks for patience it gets it. */
async function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<unknown> {
  for (;;) {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
    const answer: unknown = await response.json();
    if (response.ok) return answer;
    const patience = response.status === 429 ? response.headers.get("retry-after") : null;
    if (patience === null)
      throw new Error(`${new URL(url).pathname} answered ${response.status}: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, Number(patience) * 1000));
  }
}

async function freePort(): Promise<number> {
  const { port, close } = await listenOnLoopback(createServer());
  await close();
  return port;
}
