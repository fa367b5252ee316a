import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type OutputChunk, type Plugin, rolldown } from "rolldown";
import type { ModuleGraph } from "./contents.ts";
import { drizzleWithoutBuilders } from "./drizzle-without-builders.ts";
import { neonOverHttp } from "./neon-over-http.ts";
import { withoutUnused } from "./without-unused.ts";

const projectDirectory = join(import.meta.dirname, "../..");

/** The module of the bundle that the runtime is given; the others stand beside it. */
export const MAIN_MODULE = "worker.js";

/** What the worker is made of, and what the product deploys. */
export const WORKER_ENTRY = join(projectDirectory, "src/worker.ts");

/** Validators of JSON Schema, which nothing that the product asks of its packages needs. */
const VALIDATORS = ["ajv", "ajv-formats", "@modelcontextprotocol/server/_shims"];

/** What the bundle has instead of them, by name. */
const WITHOUT_VALIDATORS: Readonly<Record<string, string>> = Object.fromEntries(
  VALIDATORS.map((name) => [name, join(projectDirectory, "src/mcp/without-validators.ts")]),
);

/** What a bundle with the whole of them has: `agents` writes mails with a package whose usual build is for Node. */
const FOR_WHOLE_PACKAGES = { mimetext: "mimetext/browser" };

/**
 * The modules of the bundle beside the one that is evaluated at the start: each is read with the first request that
 * needs it. A module of the source goes into the first whose pattern fits, and with it all that it imports and that is
 * in none before.
 */
const LATER: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["tools", /\/src\/(tools|tasks)\/|\/src\/http\/tool-handlers\.ts$/],
  ["accounts", /\/src\/(auth|export|http)\/(?!.*(consent|oauth|operations|pages?\b))/],
  ["openapi", /\/src\/openapi\/|operations\.ts$/],
  ["sentry", /\/node_modules\/(@sentry|toucan-js)\/|\/src\/observability\//],
  ["mcp", /\/src\/mcp\/(?!session\/)/],
  ["session", /\/src\/mcp\/session\//],
  ["chat", /\/src\/chat\//],
  ["oauth", /\/src\/(auth|http)\//],
  ["rest", /./],
];

/** What to bundle. */
interface BundleSettings {
  /** The worker's main module, in TypeScript. */
  readonly entry: string;
  /** Where the bundle goes. */
  readonly directory: string;
  /** Whether it has what `withoutUnused` and the aliases leave out of packages, for a worker that reaches more of them. */
  readonly hasWholePackages?: boolean;
}

/**
 * Bundles a worker into modules, with a source map each: what the first answer does not need is a module of its own,
 * which V8 reads when it is asked for. `wrangler deploy` uploads them as they are.
 *
 * Two at once into one directory do each other no harm: a file that is there already with these contents stays.
 *
 * @returns what it is made of
 * @throws where a module cannot be resolved or read
 */
export async function bundle({ entry, directory, hasWholePackages = false }: BundleSettings): Promise<ModuleGraph> {
  const imports = new Map<string, readonly string[]>();
  await using build = await rolldown({
    input: { worker: entry },
    cwd: projectDirectory,
    platform: "neutral",
    external: /^(node|cloudflare):/,
    resolve: {
      alias: hasWholePackages ? FOR_WHOLE_PACKAGES : WITHOUT_VALIDATORS,
      conditionNames: ["workerd", "worker", "browser"],
      mainFields: ["module", "main"],
    },
    // What nothing uses of a property is not read either: no package here counts on a getter being called.
    treeshake: { propertyReadSideEffects: false },
    plugins: [
      neonOverHttp(),
      drizzleWithoutBuilders(),
      ...(hasWholePackages ? [] : [withoutUnused({ mustFindAll: entry === WORKER_ENTRY })]),
      noteImports(imports),
    ],
    // On a busy machine it would warn that a plugin is slow.
    checks: { bundlerTimings: false },
    onLog(level, log) {
      if (level === "warn") throw new Error(log.message);
    },
  });
  const { output } = await build.generate({
    format: "esm",
    // V8 keeps a module with one character beyond U+00FF, and reads it, at two bytes a character.
    charset: "ascii",
    minify: true,
    comments: false,
    sourcemap: true,
    entryFileNames: MAIN_MODULE,
    chunkFileNames: "[name].chunk.js",
    codeSplitting: {
      groups: [
        { name: "start", tags: ["$initial"], priority: LATER.length + 1 },
        ...LATER.map(([name, test], index) => ({ name, test, priority: LATER.length - index })),
      ],
    },
  });
  await writeFiles(
    directory,
    output.map((file) => [file.fileName, file.type === "chunk" ? file.code : file.source]),
  );
  const chunks = output.filter((file): file is OutputChunk => file.type === "chunk");
  return { entry, imports, sizes: new Map(chunks.flatMap(sizesOf)), atStart: evaluatedFirst(chunks) };
}

/** The modules of the source in the main module and in those that it imports, and what those import of the runtime. */
function evaluatedFirst(chunks: readonly OutputChunk[]): Set<string> {
  const evaluated = new Set(chunks.filter(({ isEntry }) => isEntry).map(({ fileName }) => fileName));
  for (const name of evaluated) {
    const chunk = chunks.find(({ fileName }) => fileName === name);
    for (const later of [...(chunk?.imports ?? []), ...(chunk?.moduleIds ?? [])]) evaluated.add(later);
  }
  return evaluated;
}

function sizesOf({ modules }: OutputChunk): [path: string, bytes: number][] {
  return Object.entries(modules).map(([path, { renderedLength }]) => [path, renderedLength]);
}

/** Notes what each module imports when all of them are read. */
function noteImports(imports: Map<string, readonly string[]>): Plugin {
  return {
    name: "note-imports",
    buildEnd() {
      for (const id of this.getModuleIds()) imports.set(id, this.getModuleInfo(id)?.importedIds ?? []);
    },
  };
}

/** Puts the files there, each in one step, and takes away what an earlier bundle left. */
async function writeFiles(
  directory: string,
  files: readonly (readonly [name: string, contents: string | Uint8Array])[],
): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const [name, contents] of files) {
    const path = join(directory, name);
    const earlier = await readFile(path).catch(() => undefined);
    if (earlier?.equals(Buffer.from(contents)) === true) continue;
    const partial = join(directory, `.${randomUUID()}`);
    await writeFile(partial, contents);
    await rename(partial, path);
  }
  const names = new Set(files.map(([name]) => name));
  const left = (await readdir(directory)).filter((name) => /\.js(\.map)?$/.test(name) && !names.has(name));
  await Promise.all(left.map((name) => rm(join(directory, name), { force: true })));
}
