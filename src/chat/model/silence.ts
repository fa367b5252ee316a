import { TimedOut } from "./model.ts";

/**
 * How long a model has said nothing: it may think for as long as it lets us hear that it is there. Counting begins with
 * the first `hear`.
 */
export class Silence {
  readonly #abort = new AbortController();
  readonly #seconds: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param seconds after how many the signal is aborted, with a `TimedOut` */
  constructor(seconds: number) {
    this.#seconds = seconds;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Counts from now on. */
  hear(): void {
    clearTimeout(this.#timer);
    const reason = () => new TimedOut(`The model said nothing for ${this.#seconds} seconds.`);
    this.#timer = setTimeout(() => this.#abort.abort(reason()), this.#seconds * 1000);
  }

  /** Counts no longer: nobody is asked now. */
  end(): void {
    clearTimeout(this.#timer);
  }
}
