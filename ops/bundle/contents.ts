/** What a bundle is made of, module by module of the source. */
export interface ModuleGraph {
  /** The main module's path. */
  readonly entry: string;
  /** What each imports by an `import` statement: paths, and modules of the runtime such as `node:crypto`. */
  readonly imports: ReadonlyMap<string, readonly string[]>;
  /** The bytes that each has in the bundle, before it is minified; what nothing uses has none. */
  readonly sizes: ReadonlyMap<string, number>;
  /** Those that are evaluated when the worker starts: paths, and modules of the runtime. */
  readonly atStart: ReadonlySet<string>;
}

/** Where a bundle's module comes from: its package, or its folder in src/. */
interface Part {
  readonly name: string;
  readonly bytes: number;
}

/** The packages and folders in a bundle, the largest first. */
export function partsOf({ sizes }: ModuleGraph): Part[] {
  const parts = new Map<string, number>();
  for (const [path, bytes] of sizes) {
    const name = packageOf(path) ?? /src\/[^/]+/.exec(path)?.[0] ?? path;
    parts.set(name, (parts.get(name) ?? 0) + bytes);
  }
  return Array.from(parts, ([name, bytes]) => ({ name, bytes })).sort((one, other) => other.bytes - one.bytes);
}

/**
 * What is evaluated when the worker starts, and not loaded by `import()`: packages, and modules of Node. Each with the
 * way that leads to it, from the entry.
 */
export function evaluatedAtStart({ entry, imports, atStart }: ModuleGraph): Map<string, readonly string[]> {
  const evaluated = new Map<string, readonly string[]>();
  const ways = new Map<string, readonly string[]>([[entry, [entry]]]);
  for (const [path, way] of ways) {
    const name = path.startsWith("node:") ? path : packageOf(path);
    if (name !== undefined && atStart.has(path) && !evaluated.has(name)) evaluated.set(name, way);
    for (const imported of imports.get(path) ?? []) {
      if (!ways.has(imported)) ways.set(imported, [...way, imported]);
    }
  }
  return evaluated;
}

function packageOf(path: string): string | undefined {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];
}
