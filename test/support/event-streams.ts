import { readUIMessageStream, type UIMessage, type UIMessageChunk, uiMessageChunkSchema } from "ai";

/** One server-sent event. */
export interface ServerSentEvent {
  readonly event: string | undefined;
  readonly data: string;
}

/** Reads a response's events as they come (WHATWG HTML section 9.2.6); leaving the loop closes the connection. */
export async function* eventsOf(response: Response): AsyncGenerator<ServerSentEvent> {
  if (response.body === null) throw new Error("the response has no body");
  let rest = "";
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + text).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const fields = new Map(
        block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
      );
      yield { event: fields.get("event"), data: fields.get("data") ?? "" };
    }
  }
  if (rest !== "") throw new Error(`the stream ends in the middle of an event: ${rest}`);
}

/** The chunks of a UI message stream, each checked by the AI SDK's own schema; the stream must end with [DONE]. */
export async function chunksOf(response: Response): Promise<UIMessageChunk[]> {
  const events: string[] = [];
  for await (const { data } of eventsOf(response)) events.push(data);
  if (events.pop() !== "[DONE]") throw new Error("the stream does not end with [DONE]");
  const { validate } = uiMessageChunkSchema();
  return Promise.all(
    events.map(async (data) => {
      const result = await validate?.(JSON.parse(data));
      if (result?.success !== true) throw new Error(`not a chunk: ${data}`);
      return result.value;
    }),
  );
}

/** The message that the AI SDK's client makes of chunks, starting with `message` where it has one. */
export async function messageOf(chunks: readonly UIMessageChunk[], message?: UIMessage): Promise<UIMessage> {
  const stream = new ReadableStream<UIMessageChunk>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  let last = message;
  for await (const state of readUIMessageStream({
    stream,
    ...(message && { message: structuredClone(message) }),
    terminateOnError: true,
  }))
    last = state;
  if (last === undefined) throw new Error("the stream makes no message");
  return last;
}
