interface IdleStreamOptions {
  /** Written at the beginning. */
  readonly opening: string;
  /** Written at the end, before the stream is closed, whoever closes it. */
  readonly closing: string;
  /** How long it stays open with no event, in milliseconds; a comment is no event. */
  readonly idleMilliseconds: number;
}

const COLON = 0x3a;

/** Passes server-sent events on, and closes the stream once it has been idle for too long or the source has ended. */
export function closeWhenIdle(
  source: ReadableStream<Uint8Array>,
  { opening, closing, idleMilliseconds }: IdleStreamOptions,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const reader = source.getReader();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;

  function restart(controller: ReadableStreamDefaultController<Uint8Array>): void {
    clearTimeout(timer);
    timer = setTimeout(() => {
      isClosed = true;
      controller.enqueue(encoder.encode(closing));
      controller.close();
      void reader.cancel();
    }, idleMilliseconds);
  }

  return new ReadableStream<Uint8Array>({
    start(controller) {
      if (opening !== "") controller.enqueue(encoder.encode(opening));
      restart(controller);
    },
    async pull(controller) {
      const { done, value } = await reader.read();
      if (isClosed) return;
      if (done) {
        clearTimeout(timer);
        controller.enqueue(encoder.encode(closing));
        controller.close();
        return;
      }
      if (value[0] !== COLON) restart(controller);
      controller.enqueue(value);
    },
    async cancel(reason) {
      clearTimeout(timer);
      await reader.cancel(reason);
    },
  });
}
