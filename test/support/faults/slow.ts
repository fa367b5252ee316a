import { sqlRequests, startsWhenWatched } from "./fault.ts";

// A release that is slow now and then: one request in four that needs the database takes 800 ms longer.

const ONE_IN = 4;
const DELAY_MILLISECONDS = 800;
let count = 0;

sqlRequests(async (isHealth, send) => {
  if (isHealth || !startsWhenWatched.isActive) return send();
  count += 1;
  if (count % ONE_IN === 0) await new Promise((resolve) => setTimeout(resolve, DELAY_MILLISECONDS));
  return send();
});

// Cloudflare finds a Durable Object as an export of the main module.
export * from "../../../src/worker.ts";
export { watchedWorker as default } from "./fault.ts";
