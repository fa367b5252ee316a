import type { Plugin } from "rolldown";

/** All column types of drizzle, for tables whose columns are a function of them: `pgTable(name, (types) => …)`. */
const ALL_BUILDERS = /\/node_modules\/drizzle-orm\/pg-core\/columns\/all\.js$/;

const INSTEAD = `export function getPgColumnBuilders() {
  throw new Error("only the column types that src/ imports are in the bundle: import them, and give pgTable an object");
}`;

/** Leaves in the bundle only those column types of drizzle that tables import by name: 8 of 32. */
export function drizzleWithoutBuilders(): Plugin {
  return { name: "drizzle-without-builders", load: { filter: { id: ALL_BUILDERS }, handler: () => INSTEAD } };
}
