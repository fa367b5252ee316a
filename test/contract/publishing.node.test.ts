import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { serverJson } from "../../ops/publishing/server-json.ts";
import { readReleaseTarget } from "../../ops/runbook/release-target.ts";
import { registrySchema } from "../support/directory-schemas.ts";

const URLS = [
  "https://api.tasks.example",
  "https://mcp-task-server-production.me.workers.dev",
  "https://a.example:8443",
];

describe("server.json", () => {
  it("is what the release is configured to be; npm run server-json makes it", async () => {
    const { baseUrl } = await readReleaseTarget("production");
    const text = await readFile(join(import.meta.dirname, "../../server.json"), "utf8");
    expect(text).toBe(serverJson(baseUrl));
    expect(registrySchema.parse(JSON.parse(text)).remotes).toEqual([
      { type: "streamable-http", url: `${baseUrl}/mcp` },
    ]);
  });

  it.each(URLS)("is taken by the registry for %s", (url) => {
    const { name } = registrySchema.parse(JSON.parse(serverJson(url)));
    const [domain, server] = name.split("/");
    expect(domain?.split(".").reverse().join(".")).toBe(new URL(url).hostname);
    expect(server).toBe("mcp-task-server");
  });

  it.each([
    ["another schema", { $schema: "https://static.modelcontextprotocol.io/schemas/2025-07-09/server.schema.json" }],
    ["a name without a domain", { name: "mcp-task-server" }],
    ["somebody else's domain", { name: "com.example/mcp-task-server" }],
    ["a long description", { description: "x".repeat(101) }],
    ["a range of versions", { version: "^1.0.0" }],
    ["an icon without https", { icons: [{ src: "http://api.tasks.example/icon.png" }] }],
    ["no remote", { remotes: [] }],
    ["what nobody knows", { tools: [] }],
  ])("would be refused with %s", (_, changes) => {
    const document = { ...JSON.parse(serverJson("https://api.tasks.example")), ...changes };
    expect(registrySchema.safeParse(document).success).toBe(false);
  });
});
