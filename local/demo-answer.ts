import { readSentence, type Wish } from "./demo-sentence.ts";
import { type InputItem, type OutputItem, type ResponsesRequest, saidText } from "./responses-api.ts";

/** What every answer begins with, so that nobody takes it for a language model. */
export const DEMO_LABEL = "[demo model]";

const HELP =
  "I am no language model: I stand in for one because OPENAI_API_KEY is not set, and understand simple sentences only. " +
  'Try "add milk, eggs and bread to groceries", "show my tasks", "complete milk", "rename milk to oat milk" or "delete eggs".';

interface Call {
  readonly name: string;
  readonly output: string;
}

interface FoundTask {
  readonly id: number;
  readonly title: string;
  readonly tags: readonly string[];
}

/** Which tasks a wish is about. */
type Named = Pick<Extract<Wish, { type: "complete" | "delete" }>, "names" | "list">;

/** How many tasks are acted on at once: as many questions as `POST /chat` takes answers to. */
const MOST_AT_ONCE = 100;
/** How many pages of "all my tasks" are read, so that some of the agent's rounds are left. */
const MOST_PAGES = 7;

/**
 * Decides what to do next as a model would: from the last thing the person said, and from what has been called since
 * and what came of it. It keeps nothing between requests, and acts on ids that a tool has answered with.
 */
export function nextOutput({ input, instructions, tool_choice }: ResponsesRequest): OutputItem[] {
  const said = input.findLastIndex((item) => "role" in item && item.role === "user");
  const message = input[said];
  const wish = readSentence(message !== undefined && "role" in message ? saidText(message) : "");
  const calls = readCalls(input.slice(said + 1));
  return tool_choice === "none" ? [says(summarize(calls))] : answer(wish, calls, readToday(instructions));
}

/** The day that the instructions say it is where the person is. */
function readToday(instructions: string): string {
  return /Now it is \w+, (\d{4}-\d\d-\d\d)/.exec(instructions)?.[1] ?? new Date().toISOString().slice(0, 10);
}

function answer(wish: Wish, calls: readonly Call[], today: string): OutputItem[] {
  switch (wish.type) {
    case "unclear":
      return [says(HELP)];
    case "answer":
      return [
        says("To approve or refuse what I asked, answer the question itself and not in words; I cannot do it for you."),
      ];
    case "add": {
      if (calls.length > 0) return [says(summarize(calls))];
      return wish.titles.map((title) => call("create_task", { title, ...tagged(wish.list) }));
    }
    case "list": {
      if (calls.length > 0) return [says(summarize(calls))];
      return [call("list_tasks", { status: wish.status, ...tagged(wish.list), ...dueFilter(wish.due, today) })];
    }
    case "get":
      return calls.length > 0 ? [says(summarize(calls))] : [call("get_task", { task_id: wish.id })];
    case "complete":
      return actOn(wish, calls, "complete_task");
    case "delete":
      return explained("I would delete this.", actOn(wish, calls, "delete_task"));
    case "rename":
      return actOn({ names: [wish.name] }, calls, "update_task", { title: wish.title });
  }
}

function tagged(list: string | undefined) {
  return list === undefined ? {} : { tags: [list] };
}

function dueFilter(due: Extract<Wish, { type: "list" }>["due"], today: string) {
  const day = (later: number) => new Date(Date.parse(today) + later * 86_400_000).toISOString().slice(0, 10);
  switch (due) {
    case "today":
      return { due_from: today, due_before: day(1) };
    case "tomorrow":
      return { due_from: day(1), due_before: day(2) };
    case "overdue":
      return { due_before: today };
    default:
      return {};
  }
}

/** A deletion is asked about, and the question must not look as if it came from a real model. */
function explained(words: string, output: OutputItem[]): OutputItem[] {
  return output.some((item) => item.type === "call" && item.name === "delete_task") ? [says(words), ...output] : output;
}

/** First looks the tasks up, then acts on those it found, then says what came of it. */
function actOn({ names, list }: Named, calls: readonly Call[], tool: string, changes: object = {}): OutputItem[] {
  const done = calls.filter(({ name }) => name === tool);
  if (done.length > 0) return [says(summarize(done))];
  const status = tool === "complete_task" ? "open" : "all";
  const act = ({ id }: FoundTask) => call(tool, { task_id: id, ...changes });
  if (names === "all") return actOnAll({ status, ...tagged(list) }, calls, act);
  if (calls.length === 0) return names.map((name) => lookUp(name, status));
  const problems: string[] = [];
  const found = names.flatMap((name, index) => {
    const matches = match(name, list, readTasks(calls[index]?.output ?? ""));
    if (matches.length === 1) return matches;
    const which = matches.map(({ id, title }) => `#${id} ${title}`).join(", ");
    const where = list === undefined ? "" : ` in ${list}`;
    problems.push(
      matches.length === 0 ? `I find no task “${name}”${where}.` : `Which “${name}” do you mean: ${which}?`,
    );
    return [];
  });
  return problems.length > 0 ? [says(problems.join("\n"))] : found.map(act);
}

/** Reads page after page, then acts on as many as can be answered for at once, and says how many are left. */
function actOnAll(filter: object, pages: readonly Call[], act: (task: FoundTask) => OutputItem): OutputItem[] {
  const [, cursor] = /^There are more: cursor (\S+)$/m.exec(pages.at(-1)?.output ?? "") ?? [];
  if (pages.length === 0 || (cursor !== undefined && pages.length < MOST_PAGES)) {
    return [call("list_tasks", { ...filter, limit: MOST_AT_ONCE, cursor })];
  }
  const tasks = pages.flatMap(({ output }) => readTasks(output));
  if (tasks.length === 0) return [says("There are no tasks.")];
  const left = tasks.length - MOST_AT_ONCE;
  const rest =
    left > 0 ? [says(`${cursor === undefined ? left : `More than ${left}`} remain; say it again for those.`)] : [];
  return [...rest, ...tasks.slice(0, MOST_AT_ONCE).map(act)];
}

function lookUp(name: string, status: string): OutputItem {
  const number = taskNumber(name);
  return number === undefined
    ? call("list_tasks", { status, search: Array.from(name).slice(0, 200).join("") })
    : call("get_task", { task_id: number });
}

/** What is said to be in a list has its tag, or the list's name is part of the title: "the letter from Bob". */
function match(name: string, list: string | undefined, tasks: readonly FoundTask[]): readonly FoundTask[] {
  if (taskNumber(name) !== undefined) return tasks;
  const within =
    list === undefined
      ? tasks
      : tasks.filter(({ title, tags }) => tags.includes(list) || title.toLowerCase().includes(list));
  const exact = within.filter(({ title }) => title.toLowerCase() === name.toLowerCase());
  return exact.length > 0 ? exact : within;
}

function taskNumber(name: string): number | undefined {
  const digits = /^#?(\d{1,9})$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Reads the lines of list_tasks and get_task: `#12 "Milk" · pending · tags "dairy", "groceries" · version 1`. */
function readTasks(output: string): FoundTask[] {
  return output.split("\n").flatMap((line) => {
    const [, id, title, rest = ""] = /^#(\d+) ("(?:[^"\\]|\\.)*")(.*)$/u.exec(line) ?? [];
    const [, tags = ""] = / · tags ("(?:[^"\\]|\\.)*"(?:, "(?:[^"\\]|\\.)*")*)/u.exec(rest) ?? [];
    return id === undefined || title === undefined
      ? []
      : [{ id: Number(id), title: readQuoted(title)[0] ?? "", tags: readQuoted(tags.toLowerCase()) }];
  });
}

/** The texts between quotation marks, without the backslashes that say that a mark is part of the text. */
function readQuoted(list: string): string[] {
  return [...list.matchAll(/"((?:[^"\\]|\\.)*)"/gu)].map(([, text = ""]) => text.replaceAll(/\\(.)/gu, "$1"));
}

function readCalls(items: readonly InputItem[]): Call[] {
  const outputs = new Map(items.flatMap((item) => ("output" in item ? [[item.call_id, item.output]] : [])));
  return items.flatMap((item) =>
    "name" in item ? [{ name: item.name, output: outputs.get(item.call_id) ?? "" }] : [],
  );
}

function summarize(calls: readonly Call[]): string {
  return calls.map(({ output }) => output).join("\n");
}

function says(text: string): OutputItem {
  return { type: "text", text: text.includes("\n") ? `${DEMO_LABEL}\n${text}` : `${DEMO_LABEL} ${text}` };
}

function call(name: string, input: object): OutputItem {
  return { type: "call", name, arguments: JSON.stringify(input) };
}
