import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { McpAgent } from "agents/mcp";
import { Hono } from "hono";
import * as z from "zod";
import { app } from "../src/app.ts";
import { readCallerRecord, toCallerRecord } from "../src/caller.ts";
import { type Application, provideServices } from "../src/http/application.ts";
import { requireCaller } from "../src/http/require-caller.ts";
import { openServices } from "../src/services.ts";
import { getTasks } from "../src/tasks/get-tasks.ts";
import { catalog } from "../src/tools/catalog.ts";
import { runTool } from "../src/tools/run-tool.ts";

// biome-ignore lint/performance/noReExportAll: whatever Durable Objects the worker has
// biome-ignore lint/performance/noBarrelFile: Cloudflare finds them as exports of the main module
export * from "../src/worker.ts";

/** What our session mode is measured against: the same tools in the deprecated class that ships with `agents`. */
export class BenchAgent extends McpAgent<Env> {
  override server = new McpServer({ name: "bench", version: "1.0.0" });

  override async init(): Promise<void> {
    const { database, log, configuration } = openServices(this.env, (promise) => this.ctx.waitUntil(promise), {});
    for (const { name, title, description, input, output, annotations } of catalog) {
      const shape = { title, description, inputSchema: input, outputSchema: output, annotations };
      this.server.registerTool(name, shape, async (args) => {
        const caller = readCallerRecord(this.props);
        const own = database.as(caller, { via: "mcp", requestId: "bench" });
        const toolContext = { caller, database: own, log, cursorSettings: configuration };
        const { structured, toText } = await runTool(name, args, toolContext);
        return { content: [{ type: "text", text: toText() }], structuredContent: structured };
      });
    }
  }
}

const agent = BenchAgent.serve("/bench/agent", { binding: "BENCH_AGENT" });
const executions = new WeakMap<Request, ExecutionContext>();

// In the place of our own modes: behind the same middleware, and the same check of the token.
app.all("/bench/agent", requireCaller, (context) => {
  const execution = executions.get(context.req.raw);
  if (execution === undefined) throw new Error("no execution context");
  return agent.fetch(
    context.req.raw,
    context.env,
    Object.assign(execution, { props: toCallerRecord(context.var.caller) }),
  );
});

const inputSchema = z.object({ task_id: z.int() });

/** The floor: the same batch through the same driver, for a token that is checked, and nothing else. */
const bare = new Hono<Application>().post("/bench/bare", provideServices, requireCaller, async (context) => {
  const { task_id: id } = inputSchema.parse(await context.req.json());
  const found = await getTasks(context.var.userDatabase, [id]);
  return context.json({ tasks: found.map(({ task }) => task) });
});

export default {
  fetch(request, env, context) {
    executions.set(request, context);
    const served = request.url.endsWith("/bench/bare") ? bare : app;
    return served.fetch(request, env, context);
  },
} satisfies ExportedHandler<Env>;
