/** The most KiB that the worker's bundle may have once it is compressed by gzip, as Cloudflare counts it. */
export const LARGEST_BUNDLE_KIB = 300;

/** The packages that may be evaluated before the first answer; all others are loaded by `import()` when they are needed. */
export const PACKAGES_AT_START: readonly string[] = ["@neondatabase/serverless", "drizzle-orm", "hono", "zod"];

/** The modules of Node that may be evaluated before it. */
export const NODE_MODULES_AT_START: readonly string[] = ["node:crypto"];
