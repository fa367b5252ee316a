import { serverSentEvent } from "../../http/event-stream.ts";
import { describeError } from "../../observability/describe-error.ts";
import type { Logger } from "../../observability/log.ts";
import { approvalGroupParts } from "./approval-groups.ts";
import { condense, type TurnEvent, type TurnStart } from "./turn-event.ts";
import { CUT_OFF } from "./turn-lines.ts";
import { UiChunks } from "./ui-chunks.ts";

const DONE = serverSentEvent({ data: "[DONE]" });
const DONE_BYTES = new TextEncoder().encode(DONE);
const NEWLINE = 0x0a;

/**
 * A turn as the AI SDK's UI message stream (https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol), as server-sent events.
 *
 * @param isReplay whether the client has nothing of the message, rather than all that came before this turn
 */
export async function* toUiEvents(
  parts: AsyncIterable<TurnStart | TurnEvent>,
  isReplay: boolean,
): AsyncGenerator<string> {
  const chunks = new UiChunks();
  const seen: TurnEvent[] = [];
  const told = new Set<string>();
  /** What is asked about several calls is told when the agent waits, or goes on, and as it stands at the end. */
  const groups = (isEnd: boolean) => {
    const parts = approvalGroupParts(seen).filter(({ id }) => isEnd || !told.has(id));
    for (const { id } of parts) told.add(id);
    return parts;
  };
  const tell = (event: TurnEvent) => {
    const before = event.type === "finish" || event.type === "approval_answer" ? groups(event.type === "finish") : [];
    seen.push(event);
    return [...before, ...chunks.of(event)];
  };
  for await (const part of parts) {
    if (part.type !== "start") {
      const text = toText(tell(part));
      if (text !== "") yield text;
      continue;
    }
    const earlier = isReplay ? condense(part.earlier).flatMap(tell) : [];
    if (!isReplay) {
      seen.push(...part.earlier);
      groups(false);
    }
    yield toText([{ type: "start", messageId: part.message_id }, ...earlier]);
  }
  yield DONE;
}

/**
 * Hands on the bytes of `toUiEvents` as they come from a Durable Object, whole events only. A stream that breaks off is
 * told to its end nevertheless: as a turn that has failed.
 */
export async function* passOnUiEvents(stream: ReadableStream<Uint8Array>, log: Logger): AsyncGenerator<Uint8Array> {
  let rest = new Uint8Array();
  let isDone = false;
  let cause: unknown;
  try {
    for await (const piece of stream) {
      const bytes = rest.length === 0 ? piece : concatenate(rest, piece);
      const end = endOfEvents(bytes);
      // A copy: the reader of what is handed on may take the buffer.
      rest = bytes.slice(end);
      if (end === 0) continue;
      const whole = bytes.subarray(0, end);
      isDone = endsWith(whole, DONE_BYTES);
      yield whole;
    }
  } catch (error) {
    cause = error;
  }
  if (isDone) return;
  log.warn("chat_stream_cut_off", { cause: cause === undefined ? "ended too early" : describeError(cause) });
  const chunks = new UiChunks();
  const ending = [CUT_OFF, { type: "finish", outcome: "failed" } as const].flatMap((event) => chunks.of(event));
  yield new TextEncoder().encode(toText(ending) + DONE);
}

function toText(chunks: readonly unknown[]): string {
  return chunks.map((chunk) => serverSentEvent({ data: JSON.stringify(chunk) })).join("");
}

/** Where the last whole event ends: behind its empty line. */
function endOfEvents(bytes: Uint8Array): number {
  for (let index = bytes.length - 1; index > 0; index -= 1) {
    if (bytes[index] === NEWLINE && bytes[index - 1] === NEWLINE) return index + 1;
  }
  return 0;
}

function endsWith(bytes: Uint8Array, end: Uint8Array): boolean {
  const start = bytes.length - end.length;
  return start >= 0 && end.every((byte, index) => bytes[start + index] === byte);
}

function concatenate(one: Uint8Array, other: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(one.length + other.length);
  all.set(one);
  all.set(other, one.length);
  return all;
}
