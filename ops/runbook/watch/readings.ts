import { criteria } from "./criteria.ts";
import { figuresBetween, type VersionFigures, type VersionTotals } from "./version-figures.ts";

interface Reading {
  readonly at: number;
  readonly totals: VersionTotals;
}

/** What the metrics said of a version, time after time. */
export class Readings {
  readonly #readings: Reading[];
  readonly #recent: number;

  /** @param recent the milliseconds that count as the last while */
  constructor(first: Reading, recent: number) {
    this.#readings = [first];
    this.#recent = recent;
  }

  add(reading: Reading): void {
    this.#readings.push(reading);
  }

  /** What was done since the first reading. */
  get whole(): VersionFigures {
    return this.#since(this.#readings[0]);
  }

  /**
   * What was done in the last while, or in as much more as enough requests need, so that a version that turns bad late is
   * not judged by how it began.
   */
  get recent(): VersionFigures {
    const now = this.#readings.at(-1)?.at ?? 0;
    const begin = this.#readings.findLast(
      (reading) => now - reading.at >= this.#recent && this.#since(reading).requests >= criteria.fewestRequests,
    );
    return this.#since(begin ?? this.#readings[0]);
  }

  #since(begin: Reading | undefined): VersionFigures {
    const end = this.#readings.at(-1);
    if (begin === undefined || end === undefined) throw new TypeError("there is always a first reading");
    return figuresBetween(begin.totals, end.totals);
  }
}
