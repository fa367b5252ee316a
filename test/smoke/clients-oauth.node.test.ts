import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { postJsonTo } from "../support/asking-client.ts";
import { startClientBrowser } from "../support/client-browser.ts";
import { quickDatabase } from "../support/cluster-databases.ts";
import { areClientsInstalled } from "../support/installed-clients.ts";
import { makeStartPlace, type StartedServer, type StartPlace, startServer } from "../support/npm-start.ts";

const isPossible = areClientsInstalled();
// The import fails where the clients are not installed.
const { signingInClients } = isPossible
  ? await import("../clients/sign-in.ts")
  : { signingInClients: { "(not installed: npm ci --prefix test/clients)": undefined } };

const createdSchema = z.object({ tasks: z.tuple([z.object({ id: z.int(), title: z.string() })]) });
const connectedSchema = z.object({
  clients: z.array(z.object({ name: z.string(), last_used_at: z.string().nullable(), scopes: z.array(z.string()) })),
});

describe.runIf(isPossible)("clients that are given the URL alone, against npm start", () => {
  let place: StartPlace;
  let server: StartedServer;

  beforeAll(async () => {
    place = await makeStartPlace();
    server = await startServer(place, await quickDatabase());
  });

  afterAll(() => place?.remove());

  it.each(Object.keys(signingInClients))("%s signs in and makes a task", async (name) => {
    const client = Object.entries(signingInClients).find(([key]) => key === name)?.[1];
    if (client === undefined) throw new Error(`no client ${name}`);
    const account = { email: `${crypto.randomUUID()}@example.com`, password: "TestPass123" };
    const { token } = z.object({ token: z.string() }).parse(await postJsonTo(`${server.url}/api/auth/signup`, account));
    const browser = await startClientBrowser(account);
    const home = await mkdtemp(join(tmpdir(), "tasks-client-"));
    const ending = new AbortController();
    try {
      const signingIn = client.signIn({ url: `${server.url}/mcp`, home, browser, signal: ending.signal });
      const signedIn = await Promise.race([signingIn, browser.failure]);
      try {
        expect(await signedIn.list()).toHaveLength(6);
        const created = createdSchema.parse(await signedIn.call("create_task", { title: `By ${name}` }));
        expect(created.tasks).toEqual([{ id: 1, title: `By ${name}` }]);
      } finally {
        await signedIn.close();
      }
      expect(browser.opened).toHaveLength(1);
      const headers = { Authorization: `Bearer ${token}` };
      const connected = await fetch(`${server.url}/api/auth/clients`, { headers });
      expect(connectedSchema.parse(await connected.json()).clients).toEqual([
        {
          name: expect.stringMatching(client.name),
          last_used_at: expect.any(String),
          scopes: ["tasks:read", "tasks:write"],
        },
      ]);
    } finally {
      ending.abort();
      await browser.close();
      await rm(home, { recursive: true, force: true });
    }
  });
});
