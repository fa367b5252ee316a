import { chmod, mkdir, readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, inject, it, onTestFinished, vi } from "vitest";
import { z } from "zod";
import {
  failingNpmStart,
  failingStart,
  makeStartPlace,
  npmStart,
  pasteCurlLines,
  type StartedServer,
  type StartPlace,
  startServer,
} from "../support/npm-start.ts";
import { PATIENCE } from "../support/patience.ts";
import { freePort, untilEnded } from "../support/processes.ts";
import { rawRequest } from "../support/raw-request.ts";

const FULL_LOG = 10 * 1024 * 1024;
const tasksSchema = z.object({ tasks: z.array(z.object({ id: z.int(), title: z.string() })) });

let place: StartPlace;

beforeEach(async () => {
  place = await makeStartPlace();
});

afterEach(async () => {
  await place.remove();
});

async function titles(server: StartedServer): Promise<string[]> {
  const answer = await fetch(`${server.url}/mcp/tools/list_tasks`, {
    method: "POST",
    headers: { authorization: `Bearer ${server.token}`, "content-type": "application/json" },
    body: "{}",
  });
  return tasksSchema.parse(await answer.json()).tasks.map(({ title }) => title);
}

/** Has somebody set a new password by the link of the mail that the terminal shows. */
async function setPasswordByMail({ url, output }: StartedServer): Promise<void> {
  const post = async (path: string, body: unknown) => {
    const headers = { "content-type": "application/json" };
    return (await fetch(`${url}/api/auth/${path}`, { method: "POST", headers, body: JSON.stringify(body) })).status;
  };
  const email = "ada@example.com";
  expect(await post("signup", { email, password: "first password" })).toBe(201);
  expect(await post("password/forgot", { email })).toBe(202);
  const mail = /Mail to ada@example\.com: Set a new password\n {2}(\S+)/;
  const link = await vi.waitFor(() => new URL(z.string().parse(mail.exec(output())?.[1])), { timeout: PATIENCE });
  expect(link.href).toMatch(new RegExp(`^${url}/account/reset-password`));
  const token = link.searchParams.get("token");
  expect(await post("password/reset", { token, new_password: "second password" })).toBe(200);
  expect(await post("signin", { email, password: "second password" })).toBe(200);
  await vi.waitFor(() => expect(output()).toContain("Mail to ada@example.com: Your password was changed"), {
    timeout: PATIENCE,
  });
}

describe("npm start on the embedded database", () => {
  it("prints lines that work, keeps tasks over a restart and ends every process at Ctrl-C", async () => {
    // An empty directory is as good as none.
    await mkdir(place.dataDirectory, { mode: 0o755 });
    const temporary = join(place.home, "tmp");
    await mkdir(temporary);
    // npm would keep a cache of its own there.
    const first = await npmStart(place, { TMPDIR: temporary, NODE_DISABLE_COMPILE_CACHE: "1" });
    expect(first.output()).toContain(`MCP Task Server is running at ${first.url}`);
    expect(first.output()).toContain("demo@example.com");
    expect(first.output()).toContain(place.dataDirectory);
    expect(first.errors()).toBe("");
    expect(first.output().split("\n")[0]).toBe("Bundling the worker …");
    // Once, for all that it is long, and the URL stands last, where a person looks.
    expect(first.output().split(first.token)).toHaveLength(2);
    expect(first.token).toMatch(/^tsk_[\w-]{62}$/);
    expect(first.output().trimEnd().split("\n").at(-1)).toBe(`${first.url}   Ctrl-C stops it.`);
    const clientsFile = join(place.dataDirectory, "clients.txt");
    expect(first.output()).toContain(clientsFile);
    expect(await readFile(clientsFile, "utf8")).toContain(`Bearer ${first.token}`);
    expect((await stat(clientsFile)).mode & 0o777).toBe(0o600);
    const [tools, created, listed] = await pasteCurlLines(first);
    expect(z.object({ tools: z.array(z.unknown()) }).parse(tools).tools).toHaveLength(6);
    expect(tasksSchema.parse(created).tasks.map(({ title }) => title)).toEqual(["Water the plants"]);
    expect(tasksSchema.parse(listed).tasks).toHaveLength(1);
    const signIn = await fetch(`${first.url}/api/auth/signin`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ email: "demo@example.com", password: first.password }),
    });
    expect(signIn.status).toBe(200);
    await setPasswordByMail(first);
    const titlesBefore = await titles(first);
    expect(titlesBefore).toContain("Water the plants");
    // All that it writes is in its data directory, while it runs too; `.npm` is npm's own.
    expect(await readdir(temporary)).toEqual([]);
    expect(await readdir(place.home)).toEqual([".npm", "data", "tmp"]);
    expect(await readdir(join(place.dataDirectory, "tmp"))).toContainEqual(expect.stringMatching(/^miniflare-/));
    const processes = await first.processes();
    expect(processes.length).toBeGreaterThan(2);
    expect(await first.pressControlC()).toBe(0);
    await untilEnded(processes);

    const log = join(place.dataDirectory, "worker.log");
    const lines = await readFile(log, "utf8");
    expect(lines).toContain('"event":"schedule_run"');
    // Only one that has failed is named.
    expect(lines).not.toContain('"chore":');
    await truncate(log, FULL_LOG);
    const second = await npmStart(place);
    expect(second.password).toBe(first.password);
    // So that the clients which were given it go on.
    expect(second.token).toBe(first.token);
    expect(await titles(second)).toEqual(titlesBefore);
    const again = await failingNpmStart({ ...place, port: await freePort() });
    expect(again).toMatchObject({
      code: 1,
      errors: `DATA_DIR ${place.dataDirectory} is in use by another npm start\n`,
    });
    const processesOfSecond = await second.processes();
    expect(await second.signal("SIGTERM")).toBe(0);
    await untilEnded(processesOfSecond);
    expect(await readdir(join(place.dataDirectory, "tmp"))).not.toContainEqual(expect.stringMatching(/^miniflare-/));
    expect(await readFile(log, "utf8")).toContain("list_tasks");
    expect((await stat(`${log}.1`)).size).toBe(FULL_LOG);
    expect((await stat(join(place.dataDirectory, "secrets.json"))).mode & 0o777).toBe(0o600);
    expect((await stat(place.dataDirectory)).mode & 0o777).toBe(0o700);
  });

  it("says so when the port is in use", async () => {
    const server = createServer().listen(place.port, "127.0.0.1");
    try {
      expect(await failingStart(place)).toMatchObject({
        code: 1,
        errors: `port ${place.port} is in use; set PORT to another one\n`,
      });
    } finally {
      server.close();
    }
  });

  it("refuses a directory with somebody's own files in it, and leaves them alone", async () => {
    const worker = join(place.dataDirectory, "worker");
    await mkdir(worker, { recursive: true });
    await mkdir(join(place.dataDirectory, "tmp"));
    await writeFile(join(worker, "thesis.txt"), "ten years of work");
    await writeFile(join(place.dataDirectory, "secrets.json"), "{}");
    await chmod(place.dataDirectory, 0o755);

    expect(await failingStart(place)).toMatchObject({
      code: 1,
      errors: `DATA_DIR ${place.dataDirectory} holds files that are not npm start's: name an empty or a new directory\n`,
    });
    expect(await readFile(join(worker, "thesis.txt"), "utf8")).toBe("ten years of work");
    expect((await readdir(place.dataDirectory)).sort()).toEqual(["secrets.json", "tmp", "worker"]);
    expect((await stat(place.dataDirectory)).mode & 0o777).toBe(0o755);
  });

  it.each([
    [{ PORT: "80 80" }, 'PORT must be a number from 1 to 65535, not "80 80"\n'],
    [{ DATABASE_URL: "mysql://root:hush@127.0.0.1/tasks" }, "DATABASE_URL must be a postgres:// URL\n"],
    [{ JWT_SECRET: "short" }, "JWT_SECRET must be at least 32 characters long\n"],
    [{ DATA_DIR: "/dev/null/nowhere" }, /^DATA_DIR \/dev\/null\/nowhere cannot be used: .*\n$/],
    [{ DATABASE_URL: "postgres://me:hush@127.0.0.1:9/tasks" }, /^cannot connect to DATABASE_URL .*ECONNREFUSED.*\n$/],
  ])("refuses %j with one line", async (variables, line) => {
    const { code, errors, milliseconds } = await failingStart(place, variables);
    expect(code).toBe(1);
    expect(errors).toEqual(typeof line === "string" ? line : expect.stringMatching(line));
    expect(errors.match(/\n/g)).toHaveLength(1);
    expect(errors).not.toContain("hush");
    expect(milliseconds).toBeLessThan(PATIENCE);
  });
});

describe("what a start opens that finds what an earlier one has left, without its secrets,", () => {
  it("answers at its edge what the worker cannot read, says itself where a request came from, and ends", async () => {
    await mkdir(join(place.dataDirectory, "worker"), { recursive: true });
    await writeFile(join(place.dataDirectory, "lock"), "");
    await chmod(place.dataDirectory, 0o755);
    const server = await startServer(place);
    for (const [target, ...hosts] of [
      ["GET /health", "a b"],
      ["GET /health", "[::1"],
      ["GET /health", "a:99999"],
      ["GET /health", "%00"],
      ["GET /health", "one.example", "two.example"],
      ["OPTIONS *", "127.0.0.1"],
    ]) {
      const answer = await rawRequest(server.url, [`${target} HTTP/1.1`, ...hosts.map((host) => `Host: ${host}`)]);
      const [head = "", body = ""] = answer.split("\r\n\r\n");
      expect(head, `${target} ${hosts}`).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/);
      expect(head).toContain("Content-Type: application/problem+json");
      expect(JSON.parse(body)).toMatchObject({ title: "Invalid input", status: 400, request_id: expect.any(String) });
    }
    // Miniflare's own headers would let a client choose the URL, and its address.
    const health = await rawRequest(server.url, [
      "GET /health HTTP/1.1",
      "Host: 127.0.0.1",
      "MF-Original-URL: http://evil.example/docs",
    ]);
    expect(health).toContain('"status":"healthy"');
    const signIns = Array.from({ length: 61 }, (_, index) =>
      fetch(`${server.url}/api/auth/signin`, {
        method: "POST",
        headers: { "content-type": "application/json", "cf-connecting-ip": `192.0.2.${index}` },
        body: "{}",
      }),
    );
    const statuses = (await Promise.all(signIns)).map(({ status }) => status);
    expect(statuses).toContain(429);
    expect(await server.pressControlC()).toBe(0);
    expect((await stat(place.dataDirectory)).mode & 0o777).toBe(0o755);
  });
});

describe.skipIf(inject("clusterUrl") === undefined)("npm start on PostgreSQL", () => {
  it("migrates with the owner's URL and connects as the worker, from several places at once", async () => {
    const { createTestDatabase, databaseVariables } = await import("../support/cluster-databases.ts");
    const { url } = await createTestDatabase();
    const other = await makeStartPlace();
    onTestFinished(() => other.remove());
    const servers = await Promise.all([
      startServer(place, databaseVariables(url)),
      startServer(other, databaseVariables(url)),
    ]);
    expect(servers.filter(({ password }) => password !== undefined)).toHaveLength(1);
    for (const server of servers) {
      expect(server.output()).not.toContain(url.password);
      await pasteCurlLines(server);
    }
    expect((await titles(servers[0])).filter((title) => title === "Water the plants")).toHaveLength(2);
    for (const server of servers) expect(await server.pressControlC()).toBe(0);
  });
});
