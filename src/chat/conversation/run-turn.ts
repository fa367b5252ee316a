import type { Caller, CallerRecord } from "../../caller.ts";
import type { Configuration } from "../../config.ts";
import type { UserDatabase } from "../../database/user-database.ts";
import { type ApplicationError, toApplicationError } from "../../errors.ts";
import { type Logger, millisecondsSince } from "../../observability/log.ts";
import { logFailure } from "../../observability/log-failure.ts";
import { metrics } from "../../observability/metrics.ts";
import { toolCalled } from "../../tools/catalog.ts";
import { writeInstructions } from "../agent/instructions.ts";
import { MessageInProgress } from "../agent/message-in-progress.ts";
import { type ApprovalAnswer, runAgent } from "../agent/run-agent.ts";
import { type Model, TimedOut } from "../model/model.ts";
import { openModel } from "../model/openai-model.ts";
import type { ChatMessage } from "../stream/chat-message.ts";
import { logForeignEvents, type Outcome, type TurnEvent, type TurnStart } from "../stream/turn-event.ts";
import type { StreamFormat } from "../stream/turn-lines.ts";
import type { NewMessage } from "./answer-again.ts";
import { answerInWords } from "./answer-in-words.ts";
import { beginTurn } from "./begin-turn.ts";
import { continueTurn } from "./continue-turn.ts";
import { storeTurn } from "./store-turn.ts";
import type { TurnInProgress } from "./turn-in-progress.ts";
import type { LoadedTurn } from "./turn-queries.ts";

/** What is asked of a conversation: an answer to a message, or to go on after the person's answers. */
export interface TurnRequest {
  readonly caller: CallerRecord;
  readonly conversationId: string;
  readonly requestId: string;
  /** The address that asks, for the count of its tokens; undefined where the release before has sent it. */
  readonly addressKey?: string | undefined;
  /** BCP 47; undefined where the request named none. */
  readonly language: string | undefined;
  /** The bytes that its worker hands on as they are; undefined for lines, and where the release before asks. */
  readonly format?: StreamFormat | undefined;
  readonly what:
    | ({ readonly type: "message" } & NewMessage)
    | { readonly type: "approval"; readonly answers: readonly { readonly id: string; readonly approved: boolean }[] };
}

/** What turns run on. */
export interface TurnServices {
  readonly configuration: Configuration;
  readonly caller: Caller;
  readonly database: UserDatabase;
  readonly log: Logger;
  /**
   * Called when the turn begins, before a tool runs that writes, and when a tool has run in a message that has changed
   * something, with all that it holds; and with its outcome when it has ended and cannot be stored.
   */
  readonly keep: (message: MessageInProgress, outcome?: Outcome) => Promise<void>;
}

/** A turn that is ready to run. */
export interface PreparedTurn {
  readonly start: TurnStart;
  readonly message: MessageInProgress;
  readonly history: readonly ChatMessage[];
  readonly timeZone: string;
  readonly spent: ApplicationError | undefined;
  readonly spentAfter: (tokens: number) => ApplicationError | undefined;
  readonly instructions: string;
  readonly answers: readonly ApprovalAnswer[];
  readonly model: Model;
  readonly startedAt: number;
}

/** Whether tasks have changed by this event, or may be changing after it: a restart must not have the call made again. */
function mayHaveChanged(event: TurnEvent, { changes }: MessageInProgress): boolean {
  if (event.type === "tool_input") return toolCalled(event.tool)?.annotations.readOnlyHint === false;
  return event.type === "tool_output" && changes > 0;
}

/** A message that was sent once more, and has its answer. */
export interface AnsweredTurn {
  readonly start: TurnStart;
  /** All that its answer holds. */
  readonly told: readonly TurnEvent[];
}

/**
 * Loads what a turn needs, and stores what the person says, in one request to the database; more where the message is
 * there already.
 *
 * @param hasReadAll whether the person could have read every question of the conversation when they sent the message: a yes
 * in words answers no other
 * @throws ApplicationError why the turn cannot be; then nothing has changed
 */
export async function prepareTurn(
  { conversationId, addressKey, language, what }: TurnRequest,
  { configuration, database, log }: TurnServices,
  hasReadAll: boolean,
): Promise<PreparedTurn | AnsweredTurn> {
  const startedAt = performance.now();
  const model = openModel(configuration, database.userId);
  const scope = {
    conversationId,
    historyLength: configuration.MAX_CONVERSATION_HISTORY,
    addressKey,
    budgets: {
      user_tokens: configuration.DAILY_TOKEN_BUDGET,
      address_tokens: configuration.DAILY_TOKEN_BUDGET_ADDRESS,
      total_tokens: configuration.DAILY_TOKEN_BUDGET_TOTAL,
    },
  };
  const prepare = (
    loaded: LoadedTurn,
    message: MessageInProgress,
    answers: readonly ApprovalAnswer[],
  ): PreparedTurn => ({
    start: { type: "start", conversation_id: conversationId, message_id: message.id, earlier: [...message.events] },
    message,
    history: loaded.history,
    timeZone: loaded.timeZone,
    spent: loaded.spent,
    spentAfter: loaded.spentAfter,
    instructions: writeInstructions({ ...loaded, language }),
    answers,
    model,
    startedAt,
  });
  if (what.type === "approval") {
    const loaded = await continueTurn(database, scope, what.answers);
    logForeignEvents(log, loaded.message.events);
    const { id, events, usage } = loaded.message;
    return prepare(loaded, new MessageInProgress(id, events, usage), loaded.answers);
  }
  const answered = hasReadAll ? await answerInWords(database, scope, what) : undefined;
  const loaded = answered ?? (await beginTurn(database, scope, what));
  if ("told" in loaded) {
    const { messageId, told } = loaded;
    return { start: { type: "start", conversation_id: conversationId, message_id: messageId, earlier: [] }, told };
  }
  logForeignEvents(
    log,
    loaded.history.flatMap((message) => (message.role === "assistant" ? message.events : [])),
  );
  return prepare(
    loaded,
    new MessageInProgress(crypto.randomUUID(), [], { rounds: 0, input_tokens: 0, output_tokens: 0 }),
    answered?.answers ?? [],
  );
}

/**
 * Runs a turn to its end and stores it, in one request to the database; only then are its questions and its `finish`
 * told. Never throws: whatever goes wrong is told to all who watch, and logged.
 *
 * @returns whether what was kept of it may be forgotten; false where it has yet to be stored
 */
export async function runTurn(
  { message, history, timeZone, spent, spentAfter, instructions, answers, model, startedAt }: PreparedTurn,
  running: TurnInProgress,
  request: TurnRequest,
  { configuration, caller, database, log, keep }: TurnServices,
): Promise<boolean> {
  const { AGENT_TOTAL_TIMEOUT } = configuration;
  const timeout = new TimedOut(`The agent did not finish within ${AGENT_TOTAL_TIMEOUT} seconds.`);
  const deadline = performance.now() + AGENT_TOTAL_TIMEOUT * 1000;
  const timer = setTimeout(() => running.abort(timeout), AGENT_TOTAL_TIMEOUT * 1000);
  let modelTime = 0;
  let outcome: Outcome = "failed";
  let hasTimedOut = false;
  let isSettled = true;
  /** From the first question on: an answer to it counts only when it has been stored. */
  const held: TurnEvent[] = [];
  const tellUnsaved = (error: ApplicationError, how: string) => {
    outcome = "failed";
    for (const event of held) if (event.type !== "approval_request") running.add(event);
    running.add({ type: "failure", kind: error.kind, message: `The answer ${how}: ${error.message}` });
  };
  try {
    // A restart before anything has changed would leave the message without an answer, and nobody would say why.
    await keep(message);
    const context = {
      model,
      tools: { caller, database, log, cursorSettings: configuration },
      instructions,
      history,
      timeZone,
      spent,
      spentAfter,
      signal: running.signal,
      deadline,
      onModelTime: (milliseconds: number) => {
        modelTime += milliseconds;
      },
      onFailure: (error: ApplicationError) => {
        hasTimedOut = error instanceof TimedOut;
      },
    };
    for await (const event of runAgent(message, answers, context)) {
      if (event.type === "finish") outcome = event.outcome;
      else if (event.type === "approval_request" || held.length > 0) held.push(event);
      else running.add(event);
      if (mayHaveChanged(event, message)) await keep(message);
    }
    const fault = await storeTurn(database, log, request, message, outcome);
    if (fault === undefined) for (const event of held) running.add(event);
    else tellUnsaved(fault, "could not be saved; what was done in it stays");
  } catch (thrown) {
    const error = toApplicationError(thrown);
    logFailure(log, error);
    isSettled = false;
    await keep(message, outcome);
    const when = error.kind === "unauthenticated" ? "you come back to this conversation" : "it can";
    tellUnsaved(error, `is not saved yet, and will be when ${when}`);
  } finally {
    clearTimeout(timer);
    const duration = millisecondsSince(startedAt);
    log.chatTurn({
      outcome,
      model: model.name,
      ...message.usage,
      turn_tokens: message.turnTokens,
      cached_tokens: message.cachedTokens,
      duration_ms: duration,
      model_ms: Math.round(modelTime * 10) / 10,
      agent_ms: Math.round((duration - modelTime) * 10) / 10,
    });
    metrics.count("agent_turns_total", { status: outcome });
    if (hasTimedOut) metrics.count("agent_timeouts_total", {});
    metrics.count("agent_tokens_total", {}, message.turnTokens);
    metrics.observe("agent_turn_duration_seconds", {}, duration / 1000);
    metrics.observe("agent_model_duration_seconds", {}, modelTime / 1000);
    running.add({ type: "finish", outcome });
    running.end();
  }
  return isSettled;
}
