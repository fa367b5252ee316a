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
}

/**
 * Decides what to do next as a model would: from the last thing the person said, and from what has been called since
 * and what came of it. It keeps nothing between requests, and acts on ids that a tool has answered with.
 */
export function nextOutput({ input, tool_choice }: ResponsesRequest): OutputItem[] {
  const said = input.findLastIndex((item) => "role" in item && item.role === "user");
  const message = input[said];
  const wish = readSentence(message !== undefined && "role" in message ? saidText(message) : "");
  const calls = readCalls(input.slice(said + 1));
  return tool_choice === "none" ? [says(summarize(calls))] : answer(wish, calls);
}

function answer(wish: Wish, calls: readonly Call[]): OutputItem[] {
  switch (wish.type) {
    case "unclear":
      return [says(HELP)];
    case "answer":
      return [
        says("To approve or refuse what I asked, answer the question itself and not in words; I cannot do it for you."),
      ];
    case "add": {
      if (calls.length > 0) return [says(summarize(calls))];
      const tags = wish.list === undefined ? {} : { tags: [wish.list] };
      return wish.titles.map((title) => call("create_task", { title, ...tags }));
    }
    case "list": {
      if (calls.length > 0) return [says(calls.map(({ output }) => output).join("\n"))];
      return [call("list_tasks", { status: wish.status, ...(wish.list !== undefined && { tags: [wish.list] }) })];
    }
    case "complete":
      return actOn(wish.names, calls, "complete_task", (task_id) => ({ task_id }));
    case "delete":
      return explained(
        "I would delete this.",
        actOn(wish.names, calls, "delete_task", (task_id) => ({ task_id })),
      );
    case "rename":
      return actOn([wish.name], calls, "update_task", (task_id) => ({ task_id, title: wish.title }));
  }
}

/** A deletion is asked about, and the question must not look as if it came from a real model. */
function explained(words: string, output: OutputItem[]): OutputItem[] {
  return output.some((item) => item.type === "call" && item.name === "delete_task") ? [says(words), ...output] : output;
}

/** First looks the tasks up, then acts on those it found, then says what came of it. */
function actOn(
  names: readonly string[] | "all",
  calls: readonly Call[],
  tool: string,
  toInput: (id: number) => object,
): OutputItem[] {
  const searches = names === "all" ? [undefined] : names.map(searchFor);
  if (calls.length === 0) {
    const status = tool === "complete_task" ? "open" : "all";
    return searches.map((search) => call("list_tasks", { status, ...(search !== undefined && { search }) }));
  }
  if (calls.length > searches.length) return [says(summarize(calls.slice(searches.length)))];
  const found = calls.map(({ output }) => readTasks(output));
  if (names === "all") {
    const [tasks = []] = found;
    return tasks.length === 0 ? [says("There are no tasks.")] : tasks.map(({ id }) => call(tool, toInput(id)));
  }
  const problems: string[] = [];
  const ids = names.flatMap((name, index) => {
    const matches = match(name, found[index] ?? []);
    if (matches.length === 1) return matches.map(({ id }) => id);
    const which = matches.map(({ id, title }) => `#${id} ${title}`).join(", ");
    problems.push(matches.length === 0 ? `I find no task “${name}”.` : `Which “${name}” do you mean: ${which}?`);
    return [];
  });
  return problems.length > 0 ? [says(problems.join("\n"))] : ids.map((id) => call(tool, toInput(id)));
}

/** A number is looked for among all tasks, because a search finds words only. */
function searchFor(name: string): string | undefined {
  return taskNumber(name) === undefined ? Array.from(name).slice(0, 200).join("") : undefined;
}

function match(name: string, tasks: readonly FoundTask[]): readonly FoundTask[] {
  const number = taskNumber(name);
  if (number !== undefined) return tasks.filter(({ id }) => id === number);
  const exact = tasks.filter(({ title }) => title.toLowerCase() === name.toLowerCase());
  return exact.length > 0 ? exact : tasks;
}

function taskNumber(name: string): number | undefined {
  const digits = /^#?(\d{1,9})$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Reads the lines of list_tasks: `#12 Milk · pending · groceries`. */
function readTasks(output: string): FoundTask[] {
  return output.split("\n").flatMap((line) => {
    const [, id, title] = /^#(\d+) (.+?) · (?:pending|in_progress|completed|cancelled)\b/.exec(line) ?? [];
    return id === undefined || title === undefined ? [] : [{ id: Number(id), title }];
  });
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
