/** The values that were asked for last, up to a number of them; the one that was not asked for the longest goes first. */
export class RecentValues<Value> {
  readonly #values = new Map<string, Value>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** @returns undefined for a key that is not there, or no longer */
  get(key: string): Value | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    this.#values.delete(key);
    this.#values.set(key, value);
    return value;
  }

  delete(key: string): void {
    this.#values.delete(key);
  }

  set(key: string, value: Value): void {
    this.#values.delete(key);
    const [oldest] = this.#values.keys();
    if (oldest !== undefined && this.#values.size >= this.#capacity) this.#values.delete(oldest);
    this.#values.set(key, value);
  }
}
