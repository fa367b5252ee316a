import * as z from "zod";
import { titleFor, toolCalled } from "../../tools/catalog.ts";
import { type ApprovalRequest, type TurnEvent, waitingCalls } from "./turn-event.ts";

/** How much room the subjects of a question have, in UTF-16 units; the first has it whatever its length. */
const ROOM = 600;

/** How many tasks a question about one call names. */
export const MOST_NAMED_IN_QUESTION = 25;

/** What a person is told whose yes in words would not count: `hidesDestruction`. */
export const UNNAMED =
  "(Not all of them are named, so a written yes is not enough: use the button, or ask for fewer at once.)";

/** What a person is told of whom more than one thing is asked: `answerInWords` takes a yes to one question alone. */
export const SEVERAL =
  "(These are several questions, so a written yes is not enough: answer each by its approval, or ask for one thing at a time.)";

/** One question about several calls of one tool. */
export const approvalGroupSchema = z
  .object({
    tool: z.string(),
    question: z.string(),
    ids: z.array(z.uuid()).readonly().meta({ description: "Of the approvals." }),
    expires_at: z.iso.datetime(),
  })
  .readonly();

export type ApprovalGroup = z.output<typeof approvalGroupSchema>;

/** The questions about several calls at once, for those calls of a message that wait for a yes. */
export function approvalGroups(events: readonly TurnEvent[]): ApprovalGroup[] {
  return [...byTool(events, openRequests(events))].flatMap(([tool, requests]) => {
    const question = requests.length > 1 ? groupQuestion(tool, requests) : undefined;
    if (question === undefined) return [];
    const [first = ""] = requests.map(({ expires_at }) => expires_at).sort();
    return [{ tool, question, ids: requests.map(({ approval_id }) => approval_id), expires_at: first }];
  });
}

/** What is asked about calls of one tool, as a part of the AI SDK's UI messages; its id is the tool's name. */
export interface ApprovalGroupPart {
  readonly type: "data-approval-group";
  readonly id: string;
  readonly data: {
    readonly tool: string;
    /** Empty where nothing is asked any more. */
    readonly question: string;
    /** Those that still wait. */
    readonly approval_ids: readonly string[];
  };
}

/**
 * A part for each tool of which a message has asked about several calls: what is still asked about them.
 *
 * @param mayBeApproved whether questions in it can still be answered
 */
export function approvalGroupParts(events: readonly TurnEvent[], mayBeApproved = true): ApprovalGroupPart[] {
  const requests = events.filter((event) => event.type === "approval_request");
  const open = byTool(events, mayBeApproved ? openRequests(events) : []);
  return [...byTool(events, requests)].flatMap(([tool, asked]): ApprovalGroupPart[] => {
    if (new Set(asked.map(({ call_id }) => call_id)).size < 2) return [];
    const waiting = open.get(tool) ?? [];
    const question = waiting.length > 1 ? groupQuestion(tool, waiting) : waiting[0]?.question;
    const ids = waiting.map(({ approval_id }) => approval_id);
    return [{ type: "data-approval-group", id: tool, data: { tool, question: question ?? "", approval_ids: ids } }];
  });
}

/** What is asked of a person, a line for each question: about several calls where there are such, else about one. */
export function questionsOf(events: readonly TurnEvent[]): string[] {
  const groups = approvalGroups(events);
  const grouped = new Set(groups.flatMap(({ ids }) => ids));
  const single = waitingCalls(events).filter(({ approval_id }) => !grouped.has(approval_id));
  return [...groups.map(({ question }) => question), ...single.map(({ question }) => question)];
}

/**
 * Whether what is asked about several calls leaves out one that may destroy something: a yes in words does not count for
 * that, and the question says so. What is made or completed unnamed can be deleted or reopened again.
 */
export function hidesDestruction(events: readonly TurnEvent[]): boolean {
  return [...byTool(events, openRequests(events))].some(
    ([tool, requests]) => isDestructive(tool) && leavesOut(requests),
  );
}

function isDestructive(tool: string): boolean {
  return toolCalled(tool)?.annotations.destructiveHint === true;
}

function openRequests(events: readonly TurnEvent[]): ApprovalRequest[] {
  return waitingCalls(events).filter(({ expires_at }) => Date.parse(expires_at) > Date.now());
}

function byTool(events: readonly TurnEvent[], requests: readonly ApprovalRequest[]): Map<string, ApprovalRequest[]> {
  const tools = new Map(events.flatMap((event) => (event.type === "tool_input" ? [[event.call_id, event.tool]] : [])));
  return Map.groupBy(requests, ({ call_id }) => tools.get(call_id) ?? "");
}

/**
 * Such as `Create 30 tasks: "Milk", "Eggs" and 28 more?`
 *
 * @returns undefined where the release before has asked one of them, and has not said what it is about
 */
function groupQuestion(tool: string, requests: readonly ApprovalRequest[]): string | undefined {
  const title = toolCalled(tool)?.title;
  if (title === undefined || requests.some(({ about }) => about === undefined)) return undefined;
  const shown = shownSubjects(requests);
  const left = countTasks(requests) - countTasks(shown);
  const subjects = shown.map(subjectOf).join(", ");
  const question = `${titleFor(title, countTasks(requests))}: ${subjects}${left > 0 ? ` and ${left} more` : ""}?`;
  return isDestructive(tool) && leavesOut(requests) ? `${question} ${UNNAMED}` : question;
}

/** Whether a question does not name every task of several calls. */
function leavesOut(requests: readonly ApprovalRequest[]): boolean {
  return shownSubjects(requests).length < requests.length || requests.some(hidesTasks);
}

/** Those of several calls that a question has room to name. */
function shownSubjects(requests: readonly ApprovalRequest[]): ApprovalRequest[] {
  let room = ROOM;
  return requests.filter((request, index) => {
    room -= subjectOf(request).length;
    return index === 0 || room >= 0;
  });
}

function subjectOf({ about, question }: ApprovalRequest): string {
  return about ?? question;
}

function hidesTasks({ tasks = [] }: ApprovalRequest): boolean {
  return tasks.length > MOST_NAMED_IN_QUESTION;
}

/** How many tasks calls are about: one that several of them name is one. */
function countTasks(requests: readonly ApprovalRequest[]): number {
  const named = new Set(requests.flatMap(({ tasks = [] }) => tasks.map(({ id }) => id)));
  return requests.reduce(
    (sum, { tasks = [], count = tasks.length }) => sum + Math.max(0, Math.max(1, count) - tasks.length),
    named.size,
  );
}
