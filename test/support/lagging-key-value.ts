/** For how long KV shows what it has shown a place before, in milliseconds, whatever was written since. */
const LAG = 60_000;

interface Shown {
  readonly value: string | null;
  readonly at: number;
}

/**
 * KV as Cloudflare describes it: the last write wins, and a place that has read a key, even one that was not there, is shown
 * the same for a minute. Each place is one of Cloudflare's locations.
 */
export class LaggingKeyValue {
  readonly #values = new Map<string, string>();
  readonly #shown = new Map<string, Map<string, Shown>>();
  #reads = 0;

  /** How many keys were read. */
  get reads(): number {
    return this.#reads;
  }

  /** The namespace as one place has it. */
  at(place: string): KVNamespace {
    const shown = this.#shown.get(place) ?? new Map<string, Shown>();
    this.#shown.set(place, shown);
    const values = this.#values;
    const read = (key: string): string | null => {
      this.#reads += 1;
      const known = shown.get(key);
      if (known !== undefined && Date.now() - known.at < LAG) return known.value;
      const value = values.get(key) ?? null;
      shown.set(key, { value, at: Date.now() });
      return value;
    };
    const namespace: Pick<KVNamespace, "delete" | "list" | "put"> & { get(key: string, type?: string): Promise<unknown> } = {
      get: async (key, type) => {
        const value = read(key);
        return type === "json" && value !== null ? JSON.parse(value) : value;
      },
      put: async (key, value) => {
        values.set(key, String(value));
      },
      delete: async (key) => {
        values.delete(key);
      },
      list: async <Metadata>({ prefix }: KVNamespaceListOptions = {}) => ({
        keys: [...values.keys()]
          .filter((name) => name.startsWith(prefix ?? ""))
          .map((name): KVNamespaceListKey<Metadata> => ({ name })),
        list_complete: true,
        cacheStatus: null,
      }),
    };
    return namespace as unknown as KVNamespace;
  }
}
