import { expect, it } from "vitest";
import { evaluatedAtStart, type ModuleGraph, partsOf } from "../../ops/bundle/contents.ts";

/** Of each module of 1,000 bytes what it imports when it is evaluated. */
const imports = {
  "src/worker.ts": ["src/app.ts"],
  "src/app.ts": ["node_modules/hono/index.js", "src/chat/routes.ts", "node_modules/unused/index.js", "node:crypto"],
  "node_modules/unused/index.js": ["node_modules/used/index.js"],
  "src/chat/routes.ts": [],
  "src/chat/handlers.ts": ["node_modules/openai/error.mjs", "node:fs"],
  "node_modules/hono/index.js": ["node_modules/hono/node_modules/@scope/router/index.js"],
  "node_modules/hono/node_modules/@scope/router/index.js": ["node_modules/hono/index.js"],
  "node_modules/openai/error.mjs": [],
};
const graph: ModuleGraph = {
  entry: "src/worker.ts",
  imports: new Map(Object.entries(imports)),
  sizes: new Map(Object.keys(imports).flatMap((path) => (path.includes("unused") ? [] : [[path, 1_000]]))),
  atStart: new Set([
    ...["src/worker.ts", "src/app.ts", "src/chat/routes.ts", "node:crypto", "node_modules/hono/index.js"],
    ...["node_modules/hono/node_modules/@scope/router/index.js", "node_modules/used/index.js"],
  ]),
};

it("tells what is evaluated at the start, and by which way, from what is loaded later", () => {
  expect(Object.fromEntries(evaluatedAtStart(graph))).toEqual({
    hono: ["src/worker.ts", "src/app.ts", "node_modules/hono/index.js"],
    "@scope/router": [
      "src/worker.ts",
      "src/app.ts",
      "node_modules/hono/index.js",
      "node_modules/hono/node_modules/@scope/router/index.js",
    ],
    // The module between them leaves nothing behind in the bundle.
    used: ["src/worker.ts", "src/app.ts", "node_modules/unused/index.js", "node_modules/used/index.js"],
    "node:crypto": ["src/worker.ts", "src/app.ts", "node:crypto"],
  });
});

it("adds up what packages and folders take", () => {
  expect(partsOf(graph)).toEqual([
    { name: "src/chat", bytes: 2_000 },
    { name: "src/worker.ts", bytes: 1_000 },
    { name: "src/app.ts", bytes: 1_000 },
    { name: "hono", bytes: 1_000 },
    { name: "@scope/router", bytes: 1_000 },
    { name: "openai", bytes: 1_000 },
  ]);
});
