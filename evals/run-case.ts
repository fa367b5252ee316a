import * as z from "zod";
import { Days } from "./days.ts";
import type { EvalCase, Turn } from "./eval-case.ts";
import { faultsOfAnswer, faultsOfRows } from "./score.ts";
import type { TaskState } from "./task-state.ts";

/** Somebody with a task list of their own. */
export interface ListOwner {
  /** Posts JSON, and reads the JSON of an answer that must be 200. */
  post(path: string, body: unknown): Promise<unknown>;
  /** The rows of their tasks, by id, as the database has them. */
  rows(): Promise<TaskState[]>;
}

/** Where cases are run: a server with a model behind its chat. */
export interface Place {
  /** Makes an account without a task. */
  signUp(account: { readonly timeZone: string; readonly weekStart: string | undefined }): Promise<ListOwner>;
  /** What is sent for a person's words. */
  message(turn: Turn): Promise<string>;
}

/** What became of a case. */
export interface CaseResult {
  readonly name: string;
  /** Why it did not pass; empty where it did. */
  readonly faults: readonly string[];
  readonly calls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly milliseconds: number;
  /** What was answered to each turn. */
  readonly answers: readonly string[];
}

const answerSchema = z.object({
  response: z.string(),
  conversation_id: z.string(),
  message_id: z.string(),
  tool_calls: z.array(z.object({ id: z.string() })),
  approval_required: z.array(z.object({ id: z.string() })).default([]),
  usage: z.object({ input_tokens: z.number(), output_tokens: z.number() }),
  error: z.object({ message: z.string() }).optional(),
});

type Answer = z.output<typeof answerSchema>;

/** How often a person is asked before a turn counts as one that goes in circles. */
const MOST_QUESTIONS = 5;

/**
 * Runs a case as somebody new; once more where it met midnight, as its days were then those of the day before.
 *
 * @param clock what the time is
 */
export async function runCase(evalCase: EvalCase, place: Place, clock = () => new Date()): Promise<CaseResult> {
  const today = () => new Days(evalCase.timeZone, clock());
  const days = today();
  const result = await runOn(days, evalCase, place);
  return today().today === days.today ? result : runOn(today(), evalCase, place);
}

async function runOn(days: Days, evalCase: EvalCase, place: Place): Promise<CaseResult> {
  const story = evalCase.story(days);
  const owner = await place.signUp({ timeZone: evalCase.timeZone, weekStart: evalCase.weekStart });
  for (const task of story.tasks) await owner.post("/mcp/tools/create_task", task);
  for (const [tool, input] of story.history ?? []) await owner.post(`/mcp/tools/${tool}`, input);
  const before = await owner.rows();

  const begun = performance.now();
  const answers: Answer[] = [];
  const said: string[] = [];
  const faults: string[] = [];
  for (const [index, turn] of story.turns.entries()) {
    const which = story.turns.length === 1 ? "" : `turn ${index + 1}: `;
    try {
      const turned = await takeTurn(owner, await place.message(turn), turn, answers.at(-1)?.conversation_id);
      answers.push(...turned);
      said.push(turned.map(({ response }) => response).join("\n"));
      faults.push(...(await faultsOfTurn(owner, before, turned, turn)).map((fault) => which + fault));
    } catch (error) {
      faults.push(`${which}${error instanceof Error ? error.message : String(error)}`);
    }
    // What follows would be about something else.
    if (faults.length > 0) break;
  }
  return {
    name: evalCase.name,
    faults,
    ...costOf(answers),
    milliseconds: Math.round(performance.now() - begun),
    answers: said,
  };
}

/** Says something, and answers what the server asks; all answers, of which the last is that of the whole turn. */
async function takeTurn(
  owner: ListOwner,
  message: string,
  { approves = true }: Turn,
  conversation: string | undefined,
): Promise<Answer[]> {
  const post = async (body: object) => answerSchema.parse(await owner.post("/chat", body));
  const answers = [await post({ message, ...(conversation !== undefined && { conversation_id: conversation }) })];
  for (let questions = 0; questions < MOST_QUESTIONS; questions += 1) {
    const { conversation_id, approval_required: asked = [] } = answers.at(-1) ?? {};
    if (asked.length === 0) break;
    answers.push(await post({ conversation_id, approval: asked.map(({ id }) => ({ id, approved: approves })) }));
  }
  return answers;
}

async function faultsOfTurn(
  owner: ListOwner,
  before: readonly TaskState[],
  turned: readonly Answer[],
  { end, approves }: Turn,
): Promise<string[]> {
  const last = turned.at(-1);
  const failures = turned.flatMap(({ error }) => (error === undefined ? [] : [`the turn failed: ${error.message}`]));
  if (approves === false && turned.length === 1) failures.push("the person was not asked, and meant to say no");
  if (last !== undefined && last.approval_required.length > 0) failures.push("the server asks over and over");
  if (end === undefined || last === undefined) return failures;
  return [...failures, ...faultsOfRows(before, await owner.rows(), end), ...faultsOfAnswer(last.response, end)];
}

/** The answers to an approval go on counting where the message before them stood. */
function costOf(answers: readonly Answer[]): Pick<CaseResult, "calls" | "inputTokens" | "outputTokens"> {
  const calls = new Set(answers.flatMap((answer) => answer.tool_calls.map(({ id }) => id)));
  const messages = new Map(answers.map((answer) => [answer.message_id, answer.usage]));
  const sum = (field: "input_tokens" | "output_tokens") =>
    [...messages.values()].reduce((total, usage) => total + usage[field], 0);
  return { calls: calls.size, inputTokens: sum("input_tokens"), outputTokens: sum("output_tokens") };
}
