type Ending = () => Promise<void> | void;

// Ctrl-C reaches this process from the terminal, and once more from npm.
const REPEATED_BY_NPM_MILLISECONDS = 500;

/** How this process ends: in good order at the first signal, at once at the second. */
export class Shutdown {
  readonly #endings: Ending[] = [];
  readonly #controller = new AbortController();
  #ended: Promise<void> | undefined;
  #endedAt = 0;

  /** Aborted when the end has begun. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Registers what is to be done at the end; the last is done first. */
  atEnd(ending: Ending): void {
    this.#endings.push(ending);
  }

  /**
   * Ends the process in good order at Ctrl-C or SIGTERM, and with code 130 at the second one. Takes these signals away
   * from all that listened to them: Miniflare would end the process at once.
   *
   * @param code with which it ends at the first
   */
  endOnSignals(code = 0): void {
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.removeAllListeners(name).on(name, () => {
        if (this.#ended !== undefined) {
          if (Date.now() - this.#endedAt > REPEATED_BY_NPM_MILLISECONDS) process.exit(130);
          return;
        }
        this.#endedAt = Date.now();
        this.end().then(
          () => process.exit(code),
          (error: unknown) => exitWith(error),
        );
      });
    }
  }

  /** Ends the process with code 1 and one line that says why; a failure after the end has begun is part of it. */
  async fail(error: unknown): Promise<void> {
    if (this.#ended !== undefined) return this.#ended;
    await this.end();
    exitWith(error);
  }

  /** Ends what was registered, and leaves the process to go on. */
  end(): Promise<void> {
    this.#controller.abort();
    this.#ended ??= this.#runEndings();
    return this.#ended;
  }

  async #runEndings(): Promise<void> {
    for (let ending = this.#endings.pop(); ending !== undefined; ending = this.#endings.pop()) await ending();
  }
}

function exitWith(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${message.replace(/\s*\n\s*/g, " ")}\n`);
  process.exit(1);
}
