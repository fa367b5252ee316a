import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { z } from "zod";
import { createTestDatabase, databaseVariables } from "../support/cluster-databases.ts";
import { areClientsInstalled } from "../support/installed-clients.ts";
import { makeStartPlace, type StartedServer, type StartPlace, startServer } from "../support/npm-start.ts";

const isPossible = areClientsInstalled() && inject("clusterUrl") !== undefined;
// The import fails where the clients are not installed.
const { clients, InspectorClient } = isPossible
  ? await import("../clients/open-client.ts")
  : { clients: { "(not installed: npm ci --prefix test/clients)": undefined }, InspectorClient: undefined };

const resultSchema = z.object({ tasks: z.array(z.object({ id: z.int(), title: z.string(), status: z.string() })) });

const toolsSchema = z.object({ tools: z.array(z.object({ name: z.string() })) });

describe.runIf(isPossible)("real clients, against npm start on PostgreSQL", () => {
  let place: StartPlace;
  let server: StartedServer;
  let database: pg.Client;

  beforeAll(async () => {
    const { url } = await createTestDatabase();
    place = await makeStartPlace();
    server = await startServer(place, databaseVariables(url));
    database = new pg.Client({ connectionString: url.href });
    await database.connect();
  });

  afterAll(async () => {
    await database?.end();
    await place?.remove();
  });

  /** The row of a task, as PostgreSQL has it. */
  async function rowOf(id: number): Promise<unknown> {
    const { rows } = await database.query(
      "select title, status, tags from tasks where id = $1 and deleted_at is null",
      [id],
    );
    return rows[0];
  }

  it.each(Object.keys(clients))("%s: create, list, get, update, complete, delete", async (name) => {
    const client = await Object.entries(clients).find(([key]) => key === name)?.[1]?.(
      `${server.url}/mcp`,
      server.token,
    );
    if (client === undefined) throw new Error(`no client ${name}`);
    const call = async (tool: string, input: Record<string, unknown>) => {
      const { tasks } = resultSchema.parse(await client.call(tool, input));
      return tasks;
    };
    try {
      expect(await client.list()).toHaveLength(6);
      const [created] = await call("create_task", { title: name, tags: ["client"] });
      const id = z.int().parse(created?.id);
      expect(await rowOf(id)).toEqual({ title: name, status: "pending", tags: ["client"] });
      expect(await call("list_tasks", { tags: ["client"] })).toContainEqual(expect.objectContaining({ id }));
      expect(await call("get_task", { task_id: id })).toEqual([expect.objectContaining({ id, title: name })]);
      await call("update_task", { task_id: id, title: `${name}, changed`, clear: ["tags"] });
      expect(await rowOf(id)).toEqual({ title: `${name}, changed`, status: "pending", tags: [] });
      await call("complete_task", { task_id: id });
      expect(await rowOf(id)).toMatchObject({ status: "completed" });
      await call("delete_task", { task_id: id });
      expect(await rowOf(id)).toBeUndefined();
    } finally {
      await client.close();
    }
  });

  it("takes the lines with the token that npm start keeps for Inspector and mcp-remote", async () => {
    const lines = (await readFile(join(place.dataDirectory, "clients.txt"), "utf8")).split("\n");
    const tokenLine = lines.find((line) => line.startsWith("TOKEN="));
    const [inspector = "", remote = ""] = lines.filter((line) => line.startsWith("npx ") && line.includes("$TOKEN"));
    const home = await mkdtemp(join(tmpdir(), "tasks-npx-"));
    const options = {
      // There npx finds the clients installed.
      cwd: join(import.meta.dirname, "../clients"),
      env: { ...process.env, HOME: home, MCP_REMOTE_CONFIG_DIR: home },
    };
    const listed = await promisify(execFile)("/bin/sh", ["-c", `${tokenLine}\n${inspector}`], options);
    const client = spawn("/bin/sh", ["-c", `${tokenLine}\n${remote}`], {
      ...options,
      stdio: ["pipe", "pipe", "ignore"],
    });
    const ended = once(client, "close");
    const message = {
      jsonrpc: "2.0",
      id: 1,
      method: "initialize",
      params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1.0.0" } },
    };
    client.stdin.write(`${JSON.stringify(message)}\n`);
    let answered = "";
    for await (const chunk of client.stdout) {
      answered += chunk;
      if (answered.includes("\n")) break;
    }
    client.stdin.end();
    await ended;
    await rm(home, { recursive: true, force: true });

    expect(toolsSchema.parse(JSON.parse(listed.stdout)).tools).toHaveLength(6);
    expect(answered).toContain('"serverInfo"');
  });

  it.each(["legacy", "modern"] as const)(
    "Inspector finds nothing to say of the tools, protocol era %s",
    async (era) => {
      if (InspectorClient === undefined) throw new Error("not installed");
      const inspector = new InspectorClient(`${server.url}/mcp`, server.token, era);
      const { stderr, stdout } = await inspector.run(["--method", "tools/list", "--strict"]);

      expect(stderr).toBe("");
      expect(stdout).toContain("create_task");
    },
  );
});
