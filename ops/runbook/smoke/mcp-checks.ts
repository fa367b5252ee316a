import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { z } from "zod";
import { parseJson } from "../deployment.ts";
import { RunbookError } from "../runbook-error.ts";
import type { SmokeAccount } from "./account.ts";
import { expectThat } from "./answered.ts";
import { TOOLS } from "./task-checks.ts";

const STATELESS = "2026-07-28";
const CLIENT = { name: "mcp-task-server-smoke", version: "1.0.0" };

const structuredSchema = z.object({ structuredContent: z.object({ tasks: z.array(z.object({ title: z.string() })) }) });
const statelessAnswerSchema = z.object({ result: z.looseObject({}) });

/** The protocols with sessions, spoken by the official client. */
export async function checkSessions(account: SmokeAccount): Promise<string> {
  const client = new Client(CLIENT);
  const { deployment, token } = account;
  const transport = new StreamableHTTPClientTransport(deployment.at("/mcp"), {
    requestInit: { headers: { Authorization: `Bearer ${token}`, ...deployment.overrideHeaders } },
  });
  await client.connect(transport);
  try {
    const { tools } = await client.listTools();
    expectThat(tools.map(({ name }) => name).join() === TOOLS.join(), `tools/list has ${tools.length} tools`);
    expectListed(await client.callTool({ name: "list_tasks", arguments: { status: "all" } }));
    await transport.terminateSession();
    return `protocol ${transport.protocolVersion}: a session, ${tools.length} tools, one called`;
  } finally {
    await client.close();
  }
}

/** The protocol without sessions, where every request says all there is to say. */
export async function checkStateless(account: SmokeAccount): Promise<string> {
  const { tools } = z
    .object({ tools: z.array(z.object({ name: z.string() })) })
    .parse(await sendStateless(account, "tools/list", {}));
  expectThat(tools.map(({ name }) => name).join() === TOOLS.join(), `tools/list has ${tools.length} tools`);
  expectListed(await sendStateless(account, "tools/call", { name: "list_tasks", arguments: { status: "all" } }));
  return `protocol ${STATELESS}: ${tools.length} tools, one called`;
}

/** One request of the stateless protocol. @throws RunbookError unless it is answered with a result */
export async function sendStateless(
  { deployment, token }: SmokeAccount,
  method: string,
  params: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const { status, headers, text } = await deployment.send("/mcp", {
    token,
    headers: {
      Accept: "application/json, text/event-stream",
      "Mcp-Protocol-Version": STATELESS,
      "Mcp-Method": method,
      ...(typeof params.name === "string" && { "Mcp-Name": params.name }),
    },
    body: {
      jsonrpc: "2.0",
      id: 1,
      method,
      params: {
        ...params,
        _meta: {
          "io.modelcontextprotocol/protocolVersion": STATELESS,
          "io.modelcontextprotocol/clientInfo": CLIENT,
          "io.modelcontextprotocol/clientCapabilities": {},
        },
      },
    },
  });
  const isStream = headers.get("content-type")?.startsWith("text/event-stream") ?? false;
  const message = isStream ? (/^data: (.+)$/m.exec(text)?.[1] ?? "") : text;
  const answer = statelessAnswerSchema.safeParse(parseJson(message));
  if (!answer.success) throw new RunbookError(`${method}: ${status}, ${text.slice(0, 200)}`);
  return answer.data.result;
}

function expectListed(result: unknown): void {
  const listed = structuredSchema.safeParse(result);
  if (!listed.success) throw new RunbookError("list_tasks answered without its structured content");
}
