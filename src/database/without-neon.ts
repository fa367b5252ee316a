/**
 * What the bundle has in the place of `@neondatabase/serverless`, by an alias of wrangler.toml: drizzle's driver for Neon imports
 * it for a client that it makes where it is given none, and to change how that reads dates. Ours is http-client.ts.
 */
export function neon(): never {
  throw new Error("neon's client is not in the bundle: give drizzle one of http-client.ts");
}

export const types = { builtins: {}, setTypeParser: () => undefined };
