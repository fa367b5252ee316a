import { writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { bundle, WORKER_ENTRY } from "./bundle.ts";

// Bundles the worker; wrangler runs this before it deploys or serves anything (`[build]` of wrangler.toml).
//
//     node ops/bundle/cli.ts [--entry src/worker.ts] [--directory dist]

const { values } = parseArgs({
  options: {
    entry: { type: "string", default: WORKER_ENTRY },
    directory: { type: "string", default: join(import.meta.dirname, "../../dist") },
  },
});

await bundle(values);
// `wrangler types` names the classes of Durable Objects in the bundle.
const source = JSON.stringify(relative(values.directory, values.entry));
await writeFile(
  join(values.directory, "worker.d.ts"),
  `export * from ${source};\nexport { default } from ${source};\n`,
);
