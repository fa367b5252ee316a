import { readFileSync } from "node:fs";
import { inject } from "vitest";
import { app } from "../../../src/app.ts";

// What `cloudflare:workers` is for the tests of the recipes' copy, which run in Node, as workerd would take longer to start
// than all else takes: the worker itself, with what wrangler.toml gives it in development, but for its Durable Objects.

const database = inject("databases").postgresql;
const [, vars = ""] = /^\[vars\]$(.*?)^\[/ms.exec(readFileSync("wrangler.toml", "utf8")) ?? [];
const limiter = { limit: async () => ({ success: true }) };

export const env = {
  ...Object.fromEntries([...vars.matchAll(/^(\w+) = "(.*)"$/gm)].map(([, name, value]) => [name, value])),
  DATABASE_URL: database?.connectionString,
  NEON_FETCH_ENDPOINT: database?.fetchEndpoint,
  JWT_SECRET: "the secret of the recipes, 32 characters and more",
  LOG_LEVEL: "error",
  CF_VERSION_METADATA: { id: "recipes", tag: "", timestamp: "" },
  ADDRESS_RATE_LIMITER: limiter,
  CREDENTIAL_RATE_LIMITER: limiter,
  USER_RATE_LIMITER: limiter,
  SIGN_IN_EMAIL_RATE_LIMITER: limiter,
  SIGN_IN_ADDRESS_RATE_LIMITER: limiter,
  CHAT_RATE_LIMITER: limiter,
};

const execution = { waitUntil() {}, passThroughOnException() {}, props: {} };

export const exports = {
  default: { fetch: (url: URL, init: RequestInit) => app.fetch(new Request(url, init), env, execution) },
};
