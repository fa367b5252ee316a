import { app } from "./app.ts";

// biome-ignore lint/performance/noBarrelFile: Cloudflare finds a Durable Object as an export of the main module
export { ChatConversation, McpSession } from "./durable-objects.ts";
export { MetricsObject } from "./observability/metrics-object.ts";

export default {
  fetch: app.fetch,
  async scheduled(_, env, context) {
    const { runSchedule } = await import("./schedule/run-schedule.ts");
    await runSchedule(env, context);
  },
} satisfies ExportedHandler<Env>;
