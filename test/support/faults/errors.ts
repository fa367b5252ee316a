import { sqlRequests, startsWhenWatched, toPostgresError } from "./fault.ts";

// A release with 6 % errors: of six requests of the smoke traffic five go to the database, and one in 14 of these fails.

const ONE_IN = 14;
let count = 0;

sqlRequests((isHealth, send) => {
  if (isHealth || !startsWhenWatched.isActive) return send();
  count += 1;
  return count % ONE_IN === 0 ? Promise.resolve(toPostgresError()) : send();
});

// Cloudflare finds a Durable Object as an export of the main module.
export * from "../../../src/worker.ts";
export { watchedWorker as default } from "./fault.ts";
