import { sqlRequests, startsWhenWatched, toPostgresError } from "./fault.ts";

// A release with 6 % errors: each request of the smoke traffic goes to the database, and one in 17 of these fails. Those
// over MCP are answered with 200 all the same.

const ONE_IN = 17;
let count = 0;

sqlRequests((isHealth, send) => {
  if (isHealth || !startsWhenWatched.isActive) return send();
  count += 1;
  return count % ONE_IN === 0 ? Promise.resolve(toPostgresError()) : send();
});

// Cloudflare finds a Durable Object as an export of the main module.
export * from "../../../src/worker.ts";
export { watchedWorker as default } from "./fault.ts";
