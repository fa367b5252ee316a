import { serverSentComment } from "../../http/event-stream.ts";

/** Proxies end a connection on which nothing comes for a minute, many of them for less. */
const LONGEST_SILENCE = 15_000;

const HEARTBEAT = serverSentComment("still here");

/** Server-sent events as they come, whole ones only, and a comment wherever nothing has come for 15 seconds. */
export async function* withHeartbeats(events: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    let next = events.next();
    for (;;) {
      const pause = Promise.withResolvers<undefined>();
      const timer = setTimeout(pause.resolve, LONGEST_SILENCE, undefined);
      const piece = await Promise.race([next, pause.promise]).finally(() => clearTimeout(timer));
      if (piece === undefined) {
        // Anew each time: the reader of what is handed on may take the buffer.
        yield new TextEncoder().encode(HEARTBEAT);
        continue;
      }
      if (piece.done) return;
      yield piece.value;
      next = events.next();
    }
  } finally {
    await events.return(undefined);
  }
}
