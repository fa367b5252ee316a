import { sqlRequests, startsWhenWatched } from "./fault.ts";

// A release that is slow: whatever needs the database takes 800 ms longer.

const DELAY_MILLISECONDS = 800;

sqlRequests(async (isHealth, send) => {
  if (!isHealth && startsWhenWatched.isActive) await new Promise((resolve) => setTimeout(resolve, DELAY_MILLISECONDS));
  return send();
});

// Cloudflare finds a Durable Object as an export of the main module.
export * from "../../../src/worker.ts";
export { watchedWorker as default } from "./fault.ts";
