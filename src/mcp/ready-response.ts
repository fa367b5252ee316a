/** A response that is complete: it crosses from a Durable Object to the worker in one message. */
export interface CompleteResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** How long a response may take to be complete; what takes longer is streamed from then on. */
const READY_WITHIN = 25;

type Chunk = ReadableStreamReadResult<Uint8Array>;

/**
 * Waits a moment for a response to be complete. Most calls are answered at once, and a stream costs more than they do;
 * of one that is not, the client hears at once what there is.
 */
export async function whenReady(response: Response): Promise<Response | CompleteResponse> {
  const { status, headers, body } = response;
  if (body === null) return { status, headers: Object.fromEntries(headers), body: new Uint8Array() };
  const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader();
  const chunks: Uint8Array[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), READY_WITHIN);
  });
  for (;;) {
    const reading = reader.read();
    const chunk = await Promise.race([reading, late]);
    if (chunk === undefined) return new Response(resume(chunks, reading, reader), { status, headers });
    if (chunk.done) {
      clearTimeout(timer);
      return { status, headers: Object.fromEntries(headers), body: concatenate(chunks) };
    }
    chunks.push(chunk.value);
  }
}

/** The stream from its beginning, with a read that is under way already. */
function resume(
  chunks: readonly Uint8Array[],
  reading: Promise<Chunk>,
  reader: ReadableStreamDefaultReader<Uint8Array>,
): ReadableStream<Uint8Array> {
  let next: Promise<Chunk> | undefined = reading;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
    },
    async pull(controller) {
      const { done, value } = await (next ?? reader.read());
      next = undefined;
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

function concatenate(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}
