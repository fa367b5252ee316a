import { sqlRequests, startsWhenWatched, toPostgresError } from "./fault.ts";

// A release whose health check fails, while everything else works.

sqlRequests((isHealth, send) => (isHealth && startsWhenWatched.isActive ? Promise.resolve(toPostgresError()) : send()));

// Cloudflare finds a Durable Object as an export of the main module.
export * from "../../../src/worker.ts";
export { watchedWorker as default } from "./fault.ts";
