import { describeCatalog } from "../../tools/catalog.ts";
import { estimateInput, estimateTokens } from "../model/estimate-tokens.ts";
import { BrokenAnswer, type ModelEvent, type ModelFunction, modelFailure } from "../model/model.ts";
import { toModelItems } from "../model/model-items.ts";
import type { TurnEvent } from "../stream/turn-event.ts";
import type { MessageInProgress } from "./message-in-progress.ts";
import type { TurnContext } from "./run-agent.ts";

/** How often the model is asked for one answer, where that breaks off before anybody has heard of it. */
const ATTEMPTS = 2;

const functions: readonly ModelFunction[] = describeCatalog().map(({ name, description, inputSchema }) => ({
  name,
  description,
  inputSchema,
}));

type CallEvent = Extract<ModelEvent, { type: "call" }>;
type SealedReasoning = Extract<ModelEvent, { type: "sealed_reasoning" }>;

/** One try to have an answer. */
interface Attempt {
  readonly number: number;
  /** Whether a piece of text or a call has come: to ask again would say it twice. */
  hasBegun: boolean;
}

/**
 * One answer of the model: its words as events, which are in the message then, its calls as they are. Where it breaks off
 * before its first word or call the model is asked once more.
 *
 * @throws ApplicationError where there is no answer, or no whole one; whatever the signal was aborted with
 */
export async function* askModel(
  message: MessageInProgress,
  context: TurnContext,
  mayCall: boolean,
): AsyncGenerator<TurnEvent | CallEvent> {
  for (let number = 1; ; number += 1) {
    const attempt = { number, hasBegun: false };
    try {
      return yield* askOnce(message, context, mayCall, attempt);
    } catch (error) {
      if (!(error instanceof BrokenAnswer) || attempt.hasBegun) throw error;
      context.signal.throwIfAborted();
      if (number === ATTEMPTS) {
        throw modelFailure("The model's answer broke off before its first word, twice; try again in a moment.", error);
      }
    }
  }
}

async function* askOnce(
  message: MessageInProgress,
  { model, instructions, history, timeZone, signal, deadline, onModelTime }: TurnContext,
  mayCall: boolean,
  attempt: Attempt,
): AsyncGenerator<TurnEvent | CallEvent> {
  const items = toModelItems(history, message.events, timeZone);
  const prefix = `${message.rounds}.${attempt.number === 1 ? "" : `${attempt.number}.`}`;
  /** The model wants it back only with what it has thought it for. */
  let sealed: SealedReasoning[] = [];
  /** White space that words may follow; by itself it is no answer. */
  let blank = "";
  let wasHeard = false;
  let heard = 0;
  let usage: Extract<ModelEvent, { type: "usage" }> | undefined;
  let askedAt = performance.now();
  try {
    for await (const event of model.respond({ instructions, items, functions, mayCall, signal, deadline })) {
      onModelTime(performance.now() - askedAt);
      wasHeard = true;
      const isBlank = event.type === "text" && !attempt.hasBegun && event.text.trim() === "";
      if ((event.type === "text" && !isBlank) || event.type === "call") {
        attempt.hasBegun = true;
        for (const thought of sealed) yield message.add(thought);
        sealed = [];
      }
      switch (event.type) {
        case "usage":
          usage = event;
          break;
        case "call":
          heard += event.arguments.length;
          yield event;
          break;
        case "sealed_reasoning":
          sealed.push(event);
          break;
        case "text":
          heard += event.text.length;
          if (isBlank) blank += event.text;
          else {
            // Servers number their parts anew with every answer.
            yield message.add({ ...event, id: prefix + event.id, text: blank + event.text });
            blank = "";
          }
          break;
        case "reasoning":
          heard += event.text.length;
          yield message.add({ ...event, id: prefix + event.id });
          break;
      }
      askedAt = performance.now();
    }
  } finally {
    onModelTime(performance.now() - askedAt);
    if (usage !== undefined) message.addUsage(usage);
    else if (wasHeard || signal.aborted) {
      // An answer that broke off was paid for too, and nobody says how much.
      message.addUsage({
        inputTokens: estimateInput({ instructions, items, functions }),
        cachedTokens: 0,
        outputTokens: estimateTokens(heard),
      });
    }
  }
  if (!attempt.hasBegun) throw modelFailure("The model answered nothing; try again.");
}
