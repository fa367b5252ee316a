import { appendFileSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";

/** How workerd begins what it says of connections that tests break off, and of objects that they end. */
const FROM_WORKERD = /^(uncaught exception; |exception = |stack: )/;

/**
 * Keeps what workerd says out of a run's output, in a file: it is no news to those who run the tests. The pool writes it
 * to this process's own streams and takes no other place for it.
 */
export function keepRuntimeLog(file: string): void {
  for (const stream of [process.stdout, process.stderr]) {
    const write: typeof stream.write = stream.write.bind(stream);
    stream.write = (chunk: string | Uint8Array, ...rest: [never?, never?]): boolean => {
      if (typeof chunk !== "string" || !FROM_WORKERD.test(chunk)) return write(chunk, ...rest);
      mkdirSync(dirname(file), { recursive: true });
      appendFileSync(file, chunk);
      return true;
    };
  }
}
