import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { allowByPages } from "../support/allow-by-pages.ts";
import { areClientsInstalled } from "../support/installed-clients.ts";
import { makeStartPlace, npmStart, type StartedServer, type StartPlace } from "../support/npm-start.ts";
import { freePort } from "../support/processes.ts";

const isPossible = areClientsInstalled();
// The import fails where the clients are not installed.
const { oauthClients } = isPossible
  ? await import("../clients/open-oauth-client.ts")
  : { oauthClients: { "(not installed: npm ci --prefix test/clients)": undefined } };

const createdSchema = z.object({ tasks: z.tuple([z.object({ title: z.string() })]) });
const checksSchema = z.array(z.object({ id: z.string(), status: z.string(), errorMessage: z.string().nullish() }));
const clientSchema = z.object({ client_id: z.string() });

describe.runIf(isPossible)("clients that are given the URL alone, against npm start", () => {
  let place: StartPlace;
  let server: StartedServer;

  beforeAll(async () => {
    place = await makeStartPlace();
    server = await npmStart(place);
  });

  afterAll(() => place?.remove());

  const allow = (url: string) => allowByPages(url, { email: "demo@example.com", password: server.password ?? "" });

  it.each(Object.keys(oauthClients))("%s signs in and makes a task", async (name) => {
    const asked: string[] = [];
    const open = Object.entries(oauthClients).find(([key]) => key === name)?.[1];
    const client = await open?.(`${server.url}/mcp`, (url) => {
      asked.push(url);
      return allow(url);
    });
    if (client === undefined) throw new Error(`no client ${name}`);
    try {
      const { tasks } = createdSchema.parse(await client.call("create_task", { title: name }));
      expect(tasks[0].title).toBe(name);
      expect(asked).toHaveLength(1);
    } finally {
      await client.close();
    }
  });

  it("passes every scenario that MCP's conformance suite has for authorization servers", async () => {
    const port = await freePort();
    const registered = await fetch(`${server.url}/oauth/register`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        client_name: "Conformance",
        redirect_uris: ["http://127.0.0.1/callback"],
        token_endpoint_auth_method: "none",
      }),
    });
    const { client_id: clientId } = clientSchema.parse(await registered.json());
    const results = await mkdtemp(join(tmpdir(), "tasks-conformance-"));
    const program = join(import.meta.dirname, "../clients/node_modules/.bin/conformance");
    const options = ["--url", server.url, "--client-id", clientId, "--resource", `${server.url}/mcp`];
    const suite = spawn(
      process.execPath,
      [program, "authorization", ...options, "-p", String(port), "-o", results, "--verbose"],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    let said = "";
    for await (const chunk of suite.stdout) {
      said += chunk;
      const [, url] = /(https?:\/\/\S+\/authorize\?\S+)\s/.exec(said) ?? [];
      if (url === undefined || !said.includes("Callback server started")) continue;
      await fetch(await allow(url));
      said = await text(suite.stdout);
      break;
    }
    const scenarios = await readdir(results);
    const checks = await Promise.all(
      scenarios.map(async (scenario) =>
        checksSchema.parse(JSON.parse(await readFile(join(results, scenario, "checks.json"), "utf8"))),
      ),
    );
    await rm(results, { recursive: true, force: true });

    expect(
      scenarios.map((name) => /authorization-(?:code-grant|server-metadata-endpoint)/.exec(name)?.[0]).sort(),
    ).toEqual(["authorization-code-grant", "authorization-server-metadata-endpoint"]);
    expect(checks.flat().filter(({ status }) => status !== "SUCCESS")).toEqual([]);
    expect(checks.flat().length).toBeGreaterThanOrEqual(3);
  });
});
