/**
 * A module that is loaded when it is first needed, and kept: `import()` of one that was loaded before takes 30 µs of every
 * call.
 *
 * @param load `() => import(…)`; where it fails, the next call tries again
 */
export function loadOnce<Module>(load: () => Promise<Module>): () => Promise<Module> {
  let loaded: Module | undefined;
  return async () => {
    loaded ??= await load();
    return loaded;
  };
}
