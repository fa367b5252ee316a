import { ApplicationError, toApplicationError } from "../../errors.ts";
import { logFailure } from "../../observability/log-failure.ts";
import type { ToolContext } from "../../tools/tool.ts";
import type { Model } from "../model/model.ts";
import type { ChatMessage } from "../stream/chat-message.ts";
import { type Outcome, type TurnEvent, waitingCalls } from "../stream/turn-event.ts";
import { APPROVAL_LIFETIME } from "./approval.ts";
import { askModel } from "./ask-model.ts";
import type { MessageInProgress } from "./message-in-progress.ts";
import { announceCall, type RequestedCall, runApproved, runCalls } from "./run-calls.ts";

/** How often the model may be asked in one message, approvals in between included. */
const MAXIMUM_ROUNDS = 10;

/** A person's answer to a question, already known to be theirs, in time, and the first. */
export interface ApprovalAnswer {
  readonly approvalId: string;
  readonly callId: string;
  readonly approved: boolean;
  /** The versions of the tasks that the question named, by their ids; undefined where the release before has asked. */
  readonly versions: ReadonlyMap<number, number> | undefined;
  /** The live claims of those tasks, by their ids, which the yes overrides. */
  readonly overrides: ReadonlyMap<number, number> | undefined;
  /** What was asked about, where the answer stands in a message of its own and the call goes on in the answer to that. */
  readonly call?: { readonly tool: string; readonly input: unknown };
}

/** What a turn works with. */
export interface TurnContext {
  readonly model: Model;
  readonly tools: ToolContext;
  readonly instructions: string;
  readonly history: readonly ChatMessage[];
  /** The person's. */
  readonly timeZone: string;
  /** Why the model may not be asked; undefined where it may. */
  readonly spent: ApplicationError | undefined;
  /** Why it may not be asked any more, the turn having used so many tokens; undefined where it may. */
  readonly spentAfter: (tokens: number) => ApplicationError | undefined;
  /** Aborted by the clock or by the person. */
  readonly signal: AbortSignal;
  /** When the clock does so, as `performance.now` tells it. */
  readonly deadline: number;
  /** Adds to the time spent waiting for the model, in milliseconds. */
  readonly onModelTime: (milliseconds: number) => void;
  /** Called with what has made the turn fail. */
  readonly onFailure: (error: ApplicationError) => void;
}

/**
 * Runs the agent on one message until it has answered, must ask the person, or cannot go on. Every event is in
 * `message` before it is yielded; the last one is `finish`.
 *
 * @param answers what the person said to the questions this message asked before
 */
export async function* runAgent(
  message: MessageInProgress,
  answers: readonly ApprovalAnswer[],
  context: TurnContext,
): AsyncGenerator<TurnEvent> {
  try {
    yield* settle(message, answers, context);
    yield* converse(message, context);
  } catch (thrown) {
    const error = toApplicationError(thrown);
    if (error === STOPPED) return yield* finish(message, "stopped");
    logFailure(context.tools.log, error);
    context.onFailure(error);
    const failure = { type: "failure", kind: error.kind, message: error.message + message.doneBefore } as const;
    // The AI SDK's client reads nothing that comes after a failure.
    yield { type: "usage", ...message.usage };
    yield message.add(failure);
    yield { type: "finish", outcome: "failed" };
  }
}

/** What a turn's signal is aborted with when its person stops it. */
export const STOPPED = new ApplicationError("conflict", "The person stopped the agent.");

function* finish(message: MessageInProgress, outcome: Exclude<Outcome, "failed">): Generator<TurnEvent> {
  yield { type: "usage", ...message.usage };
  yield { type: "finish", outcome };
}

async function* converse(message: MessageInProgress, context: TurnContext): AsyncGenerator<TurnEvent> {
  while (waitingCalls(message.events).length === 0) {
    context.signal.throwIfAborted();
    const spent = context.spent ?? context.spentAfter(message.turnTokens);
    if (spent !== undefined) throw spent;
    const isLast = message.rounds === MAXIMUM_ROUNDS - 1;
    if (message.rounds >= MAXIMUM_ROUNDS) throw tooManyRounds();
    yield message.add({ type: "round" });
    const calls: RequestedCall[] = [];
    for await (const event of askModel(message, context, !isLast)) {
      if (event.type !== "call") {
        yield event;
        continue;
      }
      if (isLast) throw tooManyRounds();
      const call = announceCall(message, event);
      calls.push(call);
      yield call.event;
    }
    if (calls.length === 0) {
      return yield* finish(message, "completed");
    }
    yield* runCalls(message, calls, context);
  }
  yield* finish(message, "approval_required");
}

/** Runs what the person has said yes to; the rest is told as not done. */
async function* settle(
  message: MessageInProgress,
  answers: readonly ApprovalAnswer[],
  context: TurnContext,
): AsyncGenerator<TurnEvent> {
  for (const { approvalId, callId, approved, call } of answers) {
    if (call !== undefined) yield message.add({ type: "tool_input", call_id: callId, ...call });
    yield message.add({ type: "approval_answer", approval_id: approvalId, call_id: callId, approved });
  }
  const approved = answers.filter((answer) => answer.approved);
  yield* runApproved(message, approved, context);
  for (const { call_id, expires_at } of waitingCalls(message.events)) {
    if (Date.parse(expires_at) > Date.now()) continue;
    const minutes = APPROVAL_LIFETIME / 60_000;
    yield message.add({
      type: "tool_error",
      call_id,
      message: `Not done: nobody approved it within ${minutes} minutes.`,
    });
  }
}

function tooManyRounds(): ApplicationError {
  return new ApplicationError(
    "unavailable",
    `The agent stopped after ${MAXIMUM_ROUNDS} rounds without coming to an end; what it had done until then stays.`,
  );
}
