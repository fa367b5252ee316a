import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { chmod, chown, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { startProcessWatch } from "../../local/process-watch.ts";
import { PATIENCE } from "./patience.ts";
import { childrenOf, freePort, killIfRunning, untilEnded } from "./processes.ts";

const run = promisify(execFile);

/** A throw-away PostgreSQL server of its own, on a loopback port. */
export interface PostgresqlCluster {
  /** The superuser's URL to a database of the cluster. */
  url(database?: string): URL;
  /** Makes an empty database, owned by `owner` where one is given. */
  createDatabase(name: string, owner?: string): Promise<void>;
  /** Kills the server and all its processes at once, as a power cut would. */
  kill(): Promise<void>;
  /** Starts the server again, on the same port and data. */
  start(): Promise<void>;
  /** Stops the server and removes its data. */
  remove(): Promise<void>;
}

/** The directory of PostgreSQL's programs; undefined where they are not installed. */
export function findPostgresql(): string | undefined {
  const versions = "/usr/lib/postgresql";
  const installed = existsSync(versions) ? readdirSync(versions).map((version) => join(versions, version, "bin")) : [];
  const onPath = (process.env.PATH ?? "").split(delimiter);
  return [...onPath, ...installed.reverse()].find(
    (directory) => existsSync(join(directory, "initdb")) && existsSync(join(directory, "postgres")),
  );
}

/** Makes a cluster in a temporary directory and starts it. */
export async function startPostgresqlCluster(programs: string): Promise<PostgresqlCluster> {
  const directory = await mkdtemp(join(tmpdir(), "tasks-postgresql-"));
  const account = await unprivilegedAccount();
  const data = join(directory, "data");
  const password = randomBytes(16).toString("hex");
  await writeFile(join(directory, "password"), password);
  if (account) {
    await chmod(directory, 0o755);
    await Promise.all([directory, join(directory, "password")].map((path) => chown(path, account.uid, account.gid)));
  }
  const initdb = ["-D", data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", join(directory, "password")];
  await run(join(programs, "initdb"), [...initdb, "-E", "UTF8", "--locale", "C", "--no-sync"], {
    ...account,
    cwd: "/",
  });
  const port = await freePort();
  const watch = startProcessWatch();
  let server: ChildProcess | undefined;

  function url(database = "postgres"): URL {
    return new URL(`postgres://postgres:${password}@127.0.0.1:${port}/${database}`);
  }

  async function start(): Promise<void> {
    const settings = {
      listen_addresses: "127.0.0.1",
      port,
      unix_socket_directories: "",
      max_connections: 200,
      fsync: "off",
    };
    const args = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const child = spawn(join(programs, "postgres"), ["-D", data, ...args], { ...account, cwd: "/", stdio: "ignore" });
    server = child;
    if (child.pid !== undefined) watch.over(child.pid);
    await untilReady(url(), child);
  }

  async function end(kill: (pid: number) => Promise<void>): Promise<void> {
    const child = server;
    server = undefined;
    if (child?.pid === undefined || child.exitCode !== null) return;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    await kill(child.pid);
    await exited;
  }

  await start();
  return {
    url,
    start,
    async createDatabase(name, owner) {
      const client = new pg.Client({ connectionString: url().href });
      await client.connect();
      const ownership = owner === undefined ? "" : ` owner ${pg.escapeIdentifier(owner)}`;
      await client.query(`create database ${pg.escapeIdentifier(name)}${ownership}`);
      await client.end();
    },
    kill: () =>
      end(async (pid) => {
        const processes = [pid, ...(await childrenOf(pid))];
        for (const process_ of processes) killIfRunning(process_);
        await untilEnded(processes);
      }),
    async remove() {
      await end(async (pid) => {
        // SIGINT is PostgreSQL's fast shutdown: it does not wait for clients to leave.
        process.kill(pid, "SIGINT");
      });
      await watch.end();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL refuses to run as root: an account for it, or undefined where nothing needs to change. */
async function unprivilegedAccount(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = (await readFile("/etc/passwd", "utf8")).split("\n").map((line) => line.split(":"));
  const account = accounts.find(([name]) => name === "postgres") ?? accounts.find(([name]) => name === "nobody");
  if (account === undefined) throw new Error("there is neither a postgres nor a nobody account to run PostgreSQL as");
  return { uid: Number(account[2]), gid: Number(account[3]) };
}

async function untilReady(url: URL, server: ChildProcess): Promise<void> {
  const until = Date.now() + PATIENCE;
  while (Date.now() < until) {
    if (server.exitCode !== null) throw new Error(`postgres ended with code ${server.exitCode}`);
    const client = new pg.Client({ connectionString: url.href });
    try {
      await client.connect();
      await client.end();
      return;
    } catch {
      // It is still starting.
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new Error("postgres did not start in time");
}
