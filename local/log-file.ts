import { appendFileSync, closeSync, fstatSync, openSync, renameSync } from "node:fs";

/** How much a log may hold. */
export interface LogFileLimits {
  /** When a file is full, in bytes. */
  readonly bytes: number;
  /** How many files there are at most, the current one included. */
  readonly files: number;
}

const LIMITS: LogFileLimits = { bytes: 10 * 1024 * 1024, files: 3 };

/** A file of lines, readable by its owner alone. A full one becomes `path.1`, that one `path.2`, and the oldest goes. */
export class LogFile {
  readonly #path: string;
  readonly #limits: LogFileLimits;
  #file: number;
  #size: number;

  /**
   * Opens the file, to go on behind what is in it.
   *
   * @throws what `node:fs` throws when it cannot be opened
   */
  constructor(path: string, limits: LogFileLimits = LIMITS) {
    this.#path = path;
    this.#limits = limits;
    this.#file = openSync(path, "a", 0o600);
    this.#size = fstatSync(this.#file).size;
  }

  /**
   * Appends a line.
   *
   * @throws what `node:fs` throws, such as for a full disk
   */
  write(line: string): void {
    const bytes = Buffer.from(`${line}\n`);
    if (this.#size > 0 && this.#size + bytes.length > this.#limits.bytes) this.#rotate();
    appendFileSync(this.#file, bytes);
    this.#size += bytes.length;
  }

  close(): void {
    closeSync(this.#file);
  }

  #rotate(): void {
    for (let number = this.#limits.files - 1; number >= 1; number -= 1) {
      const newer = number === 1 ? this.#path : `${this.#path}.${number - 1}`;
      renameIfThere(newer, `${this.#path}.${number}`);
    }
    closeSync(this.#file);
    this.#file = openSync(this.#path, "a", 0o600);
    this.#size = fstatSync(this.#file).size;
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
}
