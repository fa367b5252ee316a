import { TaskChangedSince, TaskClaimed } from "../../database/user-database.ts";
import { ApplicationError, ApprovalNeeded, toApplicationError } from "../../errors.ts";
import { isObject, type JsonReading, readJson } from "../../json.ts";
import { type AskedTask, type PlannedCall, planCall, readNamedTasks, runTool } from "../../tools/run-tool.ts";
import type { ToolContext } from "../../tools/tool.ts";
import { decodeArguments, toolNameOf } from "../../tools/tool-input.ts";
import type { ModelEvent } from "../model/model.ts";
import type { TurnEvent } from "../stream/turn-event.ts";
import { APPROVAL_LIFETIME, callsToApprove, mayRename } from "./approval.ts";
import { approvalQuestion, approvalSubject } from "./approval-question.ts";
import type { CallResult, MessageInProgress } from "./message-in-progress.ts";
import type { ApprovalAnswer } from "./run-agent.ts";
import { versionsAfter } from "./shown-versions.ts";

/** A call that the model has asked for. */
export interface RequestedCall {
  /** What the message holds of it. */
  readonly event: Extract<TurnEvent, { type: "tool_input" }>;
  /** Its arguments, or why they cannot be read. */
  readonly reading: JsonReading;
}

/** A call that can run, and where its result belongs. */
interface AnnouncedCall extends PlannedCall {
  readonly callId: string;
  /** What it would do to the tasks that are named, where the tool's name does not say it. */
  readonly deed?: (named: string) => string;
}

interface Surroundings {
  readonly tools: ToolContext;
  readonly signal: AbortSignal;
}

/** Takes a call into the message in the place that the model has given it, without running it. */
export function announceCall(message: MessageInProgress, call: Extract<ModelEvent, { type: "call" }>): RequestedCall {
  // A function without parameters may be called with nothing at all.
  const reading = readJson(call.arguments.trim() === "" ? "{}" : call.arguments);
  const call_id = message.uniqueCallId(call.callId);
  const input = "value" in reading ? decodeArguments(reading.value) : {};
  // Servers that read the arguments again want an object.
  const written = "value" in reading && isObject(reading.value) ? { arguments: call.arguments } : {};
  return {
    event: message.add({ type: "tool_input", call_id, tool: toolNameOf(call.name), input, ...written }),
    reading,
  };
}

/**
 * Runs the calls of one round, one after the other in the model's order, so that tasks come out in the order they
 * were asked for. Calls that need a yes are asked about instead, and so are those that a claim is in the way of; calls
 * that cannot run get an error for the model.
 */
export async function* runCalls(
  message: MessageInProgress,
  calls: readonly RequestedCall[],
  { tools, signal }: Surroundings,
): AsyncGenerator<TurnEvent> {
  const planned: AnnouncedCall[] = [];
  for (const { event, reading } of calls) {
    const { call_id: callId, tool: name } = event;
    try {
      if (!("value" in reading)) throw new ApplicationError("invalid_input", `The arguments ${reading.message}.`);
      planned.push({ callId, ...planCall(name, reading.value) });
    } catch (thrown) {
      yield message.add({ type: "tool_error", call_id: callId, message: toApplicationError(thrown).message });
    }
  }
  const toApprove = callsToApprove(planned, message.changes);
  for (const call of planned.filter((one) => !toApprove.includes(one))) {
    signal.throwIfAborted();
    yield* runUnasked(message, call, { ...tools, signal });
  }
  for (const call of toApprove) {
    signal.throwIfAborted();
    yield* ask(message, call, tools);
  }
}

/**
 * Runs the calls of a message that the person has said yes to, in the model's order. A yes that is given again, after
 * the object died before it could keep what a call had done, finds that: the approval's id is the key of its call. Where
 * a task is no longer as the question showed it, or its claim is another, the call does not run and is asked about anew.
 */
export async function* runApproved(
  message: MessageInProgress,
  answers: readonly ApprovalAnswer[],
  { tools, signal }: Surroundings,
): AsyncGenerator<TurnEvent> {
  const earlier = message.events.length;
  for (const { call_id: callId, tool, input } of message.events.filter((event) => event.type === "tool_input")) {
    const answer = answers.find((one) => one.callId === callId);
    if (answer === undefined) continue;
    signal.throwIfAborted();
    const versions = answer.versions && versionsAfter(answer.versions, message.events.slice(earlier));
    const { approvalId: fallbackKey, overrides } = answer;
    const context = { ...tools, signal, fallbackKey, versions, overrides, isConfirmed: true };
    try {
      yield* message.addResult(callId, async () => runCall(planCall(tool, input), context));
    } catch (error) {
      const call = { callId, ...planCall(tool, input) };
      if (!(error instanceof TaskChangedSince || error instanceof TaskClaimed)) throw error;
      // What a call does that names no task, such as an undo, the database alone knows.
      yield* call.taskIds.length === 0 && call.matched === undefined
        ? runUnasked(message, call, { ...tools, signal }, true)
        : ask(message, call, tools, true);
    }
  }
}

/** Runs a call that the person has not said yes to; where that turns out to be needed, they are asked instead. */
async function* runUnasked(
  message: MessageInProgress,
  call: AnnouncedCall,
  tools: ToolContext,
  isAnew = false,
): AsyncGenerator<TurnEvent> {
  try {
    yield* message.addResult(call.callId, () => runCall(call, { ...tools, isConfirmed: false }));
  } catch (error) {
    if (error instanceof TaskClaimed) {
      yield* ask(message, aboutClaimed(call, error), tools, isAnew);
      return;
    }
    if (!(error instanceof ApprovalNeeded)) throw error;
    yield* ask(message, { ...call, deed: error.deed, taskIds: error.taskIds, changes: error.count }, tools, isAnew);
  }
}

/** A call that a claim is in the way of: about the tasks that it names, or, as an undo names none, the one that is claimed. */
function aboutClaimed(call: AnnouncedCall, { taskId }: TaskClaimed): AnnouncedCall {
  return call.taskIds.length > 0 || call.matched !== undefined ? call : { ...call, taskIds: [taskId] };
}

/** Runs a call, and first looks at what it may rename: a question that comes later must not name the new title alone. */
async function runCall(call: PlannedCall, tools: ToolContext): Promise<CallResult> {
  const [before] = mayRename(call) ? await readNamedTasks(call, tools) : [];
  const result = await runTool(call.tool.name, call.input, tools);
  return before === undefined ? result : { ...result, titleBefore: before.title };
}

/** Asks the person, naming the tasks as they are in the database and not as the model put them. */
async function* ask(
  message: MessageInProgress,
  call: AnnouncedCall,
  tools: ToolContext,
  isAnew = false,
): AsyncGenerator<TurnEvent> {
  let tasks: readonly AskedTask[];
  try {
    tasks = await readNamedTasks(call, tools);
  } catch (thrown) {
    yield message.add({ type: "tool_error", call_id: call.callId, message: toApplicationError(thrown).message });
    return;
  }
  const asked = tasks.map((task) => ({
    ...task,
    titleBefore: message.titleBefore(task.id),
    ...(isAnew && { now: task.line }),
  }));
  yield message.add({
    type: "approval_request",
    approval_id: crypto.randomUUID(),
    call_id: call.callId,
    question: approvalQuestion(call, asked),
    about: approvalSubject(call, asked),
    expires_at: new Date(Date.now() + APPROVAL_LIFETIME).toISOString(),
    tasks: tasks.map(({ id, version, claim }) => ({ id, version, claim })),
    count: Math.max(tasks.length, call.changes),
  });
}
