import type { OutputItem, ResponsesRequest } from "../responses-api.ts";
import { act } from "./act.ts";
import { addTasks } from "./add-tasks.ts";
import type { Now } from "./calendar.ts";
import { OPEN } from "./change-wish.ts";
import { type Call, readNow, readTurns, type Turn, withoutLabel } from "./conversation.ts";
import { type Understood, understand } from "./dialogue.ts";
import { PAGE } from "./find-tasks.ts";
import { MOST_PAGES, readAll, readNamed } from "./look-up.ts";
import { askDay } from "./question.ts";
import { answerStray, untoldChanges } from "./stray-answer.ts";
import { readCursor } from "./task-lines.ts";
import { call, describe, isDone, says, tell, tellList } from "./tell.ts";
import { changesToUndo, deletesSomething } from "./undo-sentence.ts";

const HELP =
  "I am no language model: I stand in for one because OPENAI_API_KEY is not set, and understand simple sentences only. " +
  'Try "add milk, eggs and bread to groceries", "add call mom tomorrow at 5pm, high priority", "water the plants every second Tuesday", "show my tasks", ' +
  '"what is due this week?", "where do things stand?", "complete milk", "move call mom to friday", "rename milk to oat milk", "delete eggs", "claim the next task" or "undo that".';

const NO_IMAGES =
  "I cannot look at images: I am no language model, and stand in for one because OPENAI_API_KEY is not set. " +
  "I have changed nothing. Say in words what is to be done.";

const NOTHING_TO_UNDO =
  "I see no change of mine here to undo. For what was changed elsewhere, or long ago, say “undo change 4”, with its number.";

/** Stands before what an answer says that takes the place of one which has changed something. */
const HELD = "An earlier answer to this message has done this, and it holds:";

/**
 * Decides what to do next as a model would: from the last thing the person said, and from what has been called since
 * and what came of it. It keeps nothing between requests, and acts on ids that a tool has answered with.
 */
export function nextOutput(request: ResponsesRequest): OutputItem[] {
  const turns = readTurns(request.input);
  const now = readNow(request);
  const { calls, replaced, hasImage } = turns.at(-1) ?? { calls: [], replaced: [], hasImage: false };
  if (request.tool_choice === "none") return [says(tell(calls))];
  const understood = understand(turns, now);
  const plan = (made: readonly Call[]) =>
    hasImage ? [says(NO_IMAGES)] : answer(understood, { calls: made, replaced }, now, turns);
  if (calls.length === 0) return toldWith(replaced, plan([]));
  // Calls that these words do not lead to were made by the server, after a yes or a no, or by another model. Whatever
  // the words were, what came of the calls is told.
  const own = plan([]).filter((item) => item.type === "call");
  const isOwn = own.length > 0 && own.every(({ name }, index) => name === calls[index]?.name);
  return isOwn ? plan(calls) : [says(tell([...untoldChanges(turns.at(-2)), ...calls]))];
}

/** Says, beside words that end a turn, what the answers have changed that it takes the place of. */
function toldWith(replaced: readonly Call[], output: OutputItem[]): OutputItem[] {
  const held = replaced.filter(isDone);
  const words = output.map((item) => (item.type === "text" ? item.text : ""));
  if (held.length === 0 || output.some(({ type }) => type !== "text")) return output;
  if (words.some((text) => text.includes(tell(held)))) return output;
  const rest = words.map((text) =>
    withoutLabel(text).replace(/I have changed nothing\.$/, "I have changed nothing else."),
  );
  return [says([HELD, tell(held), ...rest].join("\n"))];
}

function answer(
  { wish, picks, pages = 0 }: Understood,
  { calls, replaced }: Pick<Turn, "calls" | "replaced">,
  now: Now,
  turns: readonly Turn[],
): OutputItem[] {
  const before = turns.slice(0, -1);
  switch (wish.type) {
    case "greeting":
      return [says(HELP)];
    case "never_mind":
      return [says("Then I leave everything as it is.")];
    case "yes_or_no":
      return [says(answerStray(turns, now))];
    case "unclear":
      return [says(`${describe(wish)} I have changed nothing.`)];
    case "no_day": {
      const { target, problem } = wish;
      const found = target.type === "all" ? readAll(target, OPEN, calls) : readNamed(target, picks, OPEN, calls);
      if ("calls" in found) return found.calls;
      if ("problem" in found) return [says(found.problem)];
      const reason = problem === undefined ? undefined : describe(problem);
      return [says(askDay(reason))];
    }
    case "add":
      return addTasks(wish, picks, calls, replaced);
    case "list": {
      const page = calls.at(-1);
      const cursor = page && readCursor(page.output);
      // A cursor is not kept: to go on, the pages that were shown are read again.
      if (page !== undefined && (cursor === undefined || calls.length > pages)) {
        const isThere = calls.length > pages || !isDone(page);
        return [says(isThere ? tellList(page, wish, calls.length === MOST_PAGES) : "There are no more.")];
      }
      const { filter, saysAll } = wish.selection;
      const status = filter.status ?? (saysAll ? "all" : "open");
      return [
        call("list_tasks", { ...filter, status, ...(wish.isCount && { limit: PAGE }), ...(cursor && { cursor }) }),
      ];
    }
    case "overview":
      return [calls.length > 0 ? says(tell(calls)) : call("list_tasks", wish.input)];
    case "undo": {
      if (calls.length > 0) return [says(tell(calls))];
      const changes = changesToUndo(wish, before);
      if (changes.length === 0) return [says(NOTHING_TO_UNDO)];
      // The server asks about that, and the question must not look as if it came from a real model.
      const words = deletesSomething(changes, before) ? [says("I would undo this.")] : [];
      return [...words, ...changes.map((change) => call("update_task", { undo: change }))];
    }
    case "claim_next":
      return [calls.length > 0 ? says(tell(calls)) : call("update_task", { claim_next: wish.count })];
    case "show":
    case "change":
      return act(wish, picks, calls, now);
  }
}
