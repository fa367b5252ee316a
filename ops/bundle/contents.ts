import { z } from "zod";

const importSchema = z.object({ path: z.string(), kind: z.string(), external: z.boolean().default(false) });

/** What esbuild says of a bundle: https://esbuild.github.io/api/#metafile */
const metafileSchema = z.object({
  inputs: z.record(z.string(), z.object({ imports: z.array(importSchema) })),
  outputs: z.record(
    z.string(),
    z.object({
      entryPoint: z.string().optional(),
      inputs: z.record(z.string(), z.object({ bytesInOutput: z.number() })),
    }),
  ),
});

/** Where a bundle's module comes from: its package, or its folder in src/. */
interface Part {
  readonly name: string;
  readonly bytes: number;
}

/** What a bundle is made of. */
export interface BundleContents {
  /** The packages and folders in it, the largest first. */
  readonly parts: readonly Part[];
  /**
   * What is evaluated when the worker starts, and not loaded by `import()`: packages, and modules of Node. Each with
   * the way that leads to it, from the entry point.
   */
  readonly atStart: ReadonlyMap<string, readonly string[]>;
}

/** Reads a metafile of esbuild's, as JSON. */
export function readContents(metafile: string): BundleContents {
  const { inputs, outputs } = metafileSchema.parse(JSON.parse(metafile));
  const [output] = Object.values(outputs).filter(({ entryPoint }) => entryPoint !== undefined);
  if (output?.entryPoint === undefined) throw new Error("the metafile names no entry point");
  return { parts: partsOf(output.inputs), atStart: evaluatedFrom(output.entryPoint, inputs) };
}

function partsOf(inputs: Readonly<Record<string, { readonly bytesInOutput: number }>>): Part[] {
  const sizes = new Map<string, number>();
  for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
    const name = packageOf(path) ?? /src\/[^/]+/.exec(path)?.[0] ?? path;
    sizes.set(name, (sizes.get(name) ?? 0) + bytesInOutput);
  }
  return Array.from(sizes, ([name, bytes]) => ({ name, bytes })).sort((one, other) => other.bytes - one.bytes);
}

function evaluatedFrom(entry: string, inputs: z.output<typeof metafileSchema>["inputs"]): Map<string, string[]> {
  const evaluated = new Map<string, string[]>();
  const ways = new Map([[entry, [entry]]]);
  for (const [path, way] of ways) {
    const name = packageOf(path);
    if (name !== undefined && !evaluated.has(name)) evaluated.set(name, way);
    for (const { path: imported, kind, external } of inputs[path]?.imports ?? []) {
      if (kind === "import-statement" && !external && !ways.has(imported)) ways.set(imported, [...way, imported]);
    }
  }
  // Imports of what is not bundled stand at the top of the bundle, wherever they were written.
  for (const [path, { imports }] of Object.entries(inputs)) {
    for (const { path: imported, kind, external } of imports) {
      if (kind === "import-statement" && external && imported.startsWith("node:") && !evaluated.has(imported)) {
        evaluated.set(imported, [path]);
      }
    }
  }
  return evaluated;
}

function packageOf(path: string): string | undefined {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];
}
