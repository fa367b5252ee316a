import { expect, it } from "vitest";
import { readContents } from "../../ops/bundle/contents.ts";

type Imports = readonly (readonly [path: string, kind: "import-statement" | "dynamic-import"])[];

/** A metafile as esbuild writes it; of each module what it imports, and 1,000 bytes in the bundle. */
function metafile(modules: Readonly<Record<string, Imports>>): string {
  const inputs = Object.entries(modules).map(([path, imports]) => [
    path,
    {
      bytes: 2_000,
      imports: imports.map(([imported, kind]) => ({
        path: imported,
        kind,
        ...(imported.startsWith("node:") && { external: true }),
      })),
    },
  ]);
  const parts = Object.keys(modules).map((path) => [path, { bytesInOutput: 1_000 }]);
  return JSON.stringify({
    inputs: Object.fromEntries(inputs),
    outputs: {
      "out/worker.js.map": { imports: [], exports: [], inputs: {}, bytes: 1 },
      "out/worker.js": { entryPoint: "src/worker.ts", inputs: Object.fromEntries(parts), bytes: 1 },
    },
  });
}

const bundle = metafile({
  "src/worker.ts": [["src/app.ts", "import-statement"]],
  "src/app.ts": [
    ["node_modules/hono/index.js", "import-statement"],
    ["src/chat/routes.ts", "import-statement"],
  ],
  "src/chat/routes.ts": [["src/chat/handlers.ts", "dynamic-import"]],
  "src/chat/handlers.ts": [
    ["node_modules/openai/error.mjs", "import-statement"],
    ["node:crypto", "import-statement"],
    ["node:fs", "dynamic-import"],
  ],
  "node_modules/hono/index.js": [["node_modules/hono/node_modules/@scope/router/index.js", "import-statement"]],
  "node_modules/hono/node_modules/@scope/router/index.js": [["node_modules/hono/index.js", "import-statement"]],
  "node_modules/openai/error.mjs": [],
});

it("tells what is evaluated at the start, and by which way, from what is loaded later", () => {
  expect(Object.fromEntries(readContents(bundle).atStart)).toEqual({
    hono: ["src/worker.ts", "src/app.ts", "node_modules/hono/index.js"],
    "@scope/router": [
      "src/worker.ts",
      "src/app.ts",
      "node_modules/hono/index.js",
      "node_modules/hono/node_modules/@scope/router/index.js",
    ],
    // Its import is moved to the top of the bundle, although what wants it is loaded later.
    "node:crypto": ["src/chat/handlers.ts"],
  });
});

it("adds up what packages and folders take", () => {
  expect(readContents(bundle).parts).toEqual([
    { name: "src/chat", bytes: 2_000 },
    { name: "src/worker.ts", bytes: 1_000 },
    { name: "src/app.ts", bytes: 1_000 },
    { name: "hono", bytes: 1_000 },
    { name: "@scope/router", bytes: 1_000 },
    { name: "openai", bytes: 1_000 },
  ]);
});
