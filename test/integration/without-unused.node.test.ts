import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as wholeSdk from "@modelcontextprotocol/server";
import { createMcpHandler } from "agents/mcp/server";
import { afterAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { bundle, MAIN_MODULE } from "../../ops/bundle/bundle.ts";
import { bundleText } from "../support/bundle-text.ts";

type Stateless = Pick<typeof wholeSdk, "McpServer" | "Server"> & { readonly createMcpHandler: typeof createMcpHandler };
type Handler = ReturnType<typeof createMcpHandler>;

const pathOf = (name: string) => JSON.stringify(fileURLToPath(import.meta.resolve(name)));
const directory = await mkdtemp(join(tmpdir(), "without-unused-"));
const bundled: Stateless = await bundleOf(
  "stateless",
  `export { McpServer, Server } from ${pathOf("@modelcontextprotocol/server")};
  export { createMcpHandler } from ${pathOf("agents/mcp/server")};`,
);
const whole: Stateless = { ...wholeSdk, createMcpHandler };

afterAll(() => rm(directory, { recursive: true }));

/** Asks the person something. */
const QUESTION = wholeSdk.inputRequired({
  inputRequests: {
    sure: wholeSdk.inputRequired.elicit({ message: "Sure?", requestedSchema: { type: "object", properties: {} } }),
  },
});

/** A server as the stateless mode has one, with an answer of each kind. */
function handlerOf(sdk: Stateless): Handler {
  return sdk.createMcpHandler(
    () => {
      const server = new sdk.Server(
        { name: "test", version: "1.0.0" },
        { capabilities: { tools: {}, resources: { subscribe: true }, prompts: {} }, instructions: "Ask." },
      );
      const params = z.looseObject({ name: z.string().optional() });
      server.setRequestHandler("tools/list", { params }, () => ({
        tools: [{ name: "count", inputSchema: { type: "object" as const } }],
      }));
      server.setRequestHandler("tools/call", { params }, ({ name }) => {
        if (name === "fail") throw new Error("failed");
        if (name === "ask") return QUESTION;
        return { content: [{ type: "text" as const, text: "1" }], structuredContent: { count: 1 } };
      });
      server.setRequestHandler("resources/read", { params }, () => ({ contents: [{ uri: "test://1", text: "one" }] }));
      server.setRequestHandler("prompts/get", { params }, () => ({
        messages: [{ role: "user" as const, content: { type: "text" as const, text: "one" } }],
      }));
      return server;
    },
    { legacy: "reject", corsOptions: false, allowedOriginHostnames: "*" },
  );
}

const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "test", version: "1.0.0" },
  "io.modelcontextprotocol/clientCapabilities": { elicitation: { form: {} } },
};

interface Asked {
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly meta?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly id?: number | null;
}

function requestOf({ method, params = {}, meta = META, headers = {}, id = 1 }: Asked): Request {
  const name = params.name ?? params.uri;
  return new Request("https://tasks.example/mcp", {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Accept: "application/json, text/event-stream",
      "Mcp-Protocol-Version": "2026-07-28",
      "Mcp-Method": method,
      ...(typeof name === "string" && { "Mcp-Name": name }),
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: "2.0", method, ...(id !== null && { id }), params: { ...params, _meta: meta } }),
  });
}

async function answerOf(sdk: Stateless, asked: Asked) {
  const response = await handlerOf(sdk).fetch(requestOf(asked));
  return { status: response.status, type: response.headers.get("Content-Type"), text: await response.text() };
}

/** The first event of a stream, which says what is listened to. */
async function firstEventOf(sdk: Stateless): Promise<string> {
  const params = { notifications: { toolsListChanged: true, resourceSubscriptions: ["test://1"] } };
  const { body } = await handlerOf(sdk).fetch(requestOf({ method: "subscriptions/listen", params }));
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
  const event = await reader?.read();
  await reader?.cancel();
  return event?.value ?? "";
}

describe("what the bundle has of the stateless mode's SDK", () => {
  it.each<[string, Asked, string]>([
    ["what the server is", { method: "server/discover" }, "supportedVersions"],
    ["a list of tools", { method: "tools/list" }, '"count"'],
    ["a call", { method: "tools/call", params: { name: "count", arguments: {} } }, '"structuredContent"'],
    ["a call that fails", { method: "tools/call", params: { name: "fail", arguments: {} } }, '"error"'],
    ["a call that asks", { method: "tools/call", params: { name: "ask", arguments: {} } }, '"input_required"'],
    ["a resource", { method: "resources/read", params: { uri: "test://1" } }, '"one"'],
    ["a prompt", { method: "prompts/get", params: { name: "one" } }, '"messages"'],
    ["an unknown method", { method: "unknown/method" }, "-32601"],
    ["a method of 2025", { method: "logging/setLevel", params: { level: "info" } }, "-32601"],
    ["parameters that do not fit", { method: "tools/call", params: { name: 1 } }, '"error"'],
    ["a request without its envelope", { method: "tools/list", meta: {} }, '"error"'],
    [
      "an envelope that does not fit",
      { method: "tools/list", meta: { ...META, "io.modelcontextprotocol/clientInfo": 1 } },
      '"error"',
    ],
    [
      "a protocol of 2025",
      { method: "initialize", meta: {}, headers: { "Mcp-Protocol-Version": "2025-11-25" } },
      '"error"',
    ],
    [
      "a protocol to come",
      { method: "tools/list", meta: { ...META, "io.modelcontextprotocol/protocolVersion": "2027-01-01" } },
      '"error"',
    ],
    ["a header that says otherwise", { method: "tools/list", headers: { "Mcp-Method": "tools/call" } }, '"error"'],
    ["a notification", { method: "notifications/cancelled", params: { requestId: 1 }, id: null }, ""],
    ["another type", { method: "tools/list", headers: { "Content-Type": "text/plain" } }, '"error"'],
  ])("answers %s as the package does", async (_, asked, expected) => {
    const answer = await answerOf(bundled, asked);
    expect(answer).toEqual(await answerOf(whole, asked));
    expect(answer.text).toContain(expected);
  });

  it("is listened to as the package is", async () => {
    const event = await firstEventOf(bundled);
    expect(event).toContain("test://1");
    expect(event).toBe(await firstEventOf(whole));
  });

  it("has errors in the place of what is left out", async () => {
    expect(() => new bundled.McpServer({ name: "test", version: "1.0.0" })).toThrow(
      "ops/bundle leaves McpServer out of the bundle",
    );
    expect(() => bundled.createMcpHandler(() => new bundled.Server({ name: "test", version: "1.0.0" }))).toThrow(
      "ops/bundle leaves createLegacyCompatibilityRequestHandler out of the bundle",
    );
  });

  it("is without what is for other servers", async () => {
    const texts = await bundleText(join(directory, "stateless"));
    expect(texts).toContain("server/discover");
    // Of WebStandardStreamableHTTPServerTransport, McpServer, LegacyInputRequiredShim, the schemas of 2025 and those of OAuth.
    const others = [
      ...["Only one SSE stream is allowed", "is already registered", "without params"],
      ...["The unique identifier for the corresponding tool call.", "jwks_uri"],
    ];
    expect(others.filter((text) => texts.includes(text))).toEqual([]);
  });

  it("is not made of an SDK that has changed", async () => {
    const other = join(directory, "node_modules/@modelcontextprotocol/server/dist/index.mjs");
    await mkdir(dirname(other), { recursive: true });
    await writeFile(
      other,
      "function buildSchemas2025() {}\nclass Server { listRoots() {} }\nexport { buildSchemas2025, Server };\n",
    );
    await expect(bundleOf("changed", `export * from ${JSON.stringify(other)};`)).rejects.toThrow(
      /server has changed: there is no createLegacyStatelessFallback, LegacyInputRequiredShim, McpServer, Server\.createMessage, Server\.elicitInput\n/,
    );
  });
});

it("leaves the schemas in the bundle that are used of the SDK of the session mode", async () => {
  const path = pathOf("@modelcontextprotocol/sdk/types.js");
  const { LoggingLevelSchema } = await bundleOf("session", `export { LoggingLevelSchema } from ${path};`);
  expect(LoggingLevelSchema.parse("notice")).toBe("notice");
  expect(LoggingLevelSchema.safeParse("loud").success).toBe(false);
  expect((await bundleText(join(directory, "session"))).includes("sampling/createMessage")).toBe(false);
});

/** Bundles what a module exports, into a directory of its own, and loads it. */
async function bundleOf(name: string, text: string) {
  const entry = join(directory, `${name}.ts`);
  await writeFile(entry, `${text}\nexport default {};\n`);
  await bundle({ entry, directory: join(directory, name) });
  return import(join(directory, name, MAIN_MODULE));
}
