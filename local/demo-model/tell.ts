import type { OutputItem } from "../responses-api.ts";
import type { Call, Turn } from "./conversation.ts";
import { SHOW_MORE } from "./question.ts";
import { readTaskLines, withoutCursor } from "./task-lines.ts";
import type { Unclear, Wish } from "./wish.ts";

/** What every answer begins with, so that nobody takes it for a language model. */
export const DEMO_LABEL = "[demo model]";

/** What the server says of a call that the person has refused. */
const REFUSED = "Not done: the person said no.";

/** Words for the person. */
export function says(text: string): OutputItem {
  return { type: "text", text: text.includes("\n") ? `${DEMO_LABEL}\n${text}` : `${DEMO_LABEL} ${text}` };
}

/** A call of a tool. */
export function call(name: string, input: object): OutputItem {
  return { type: "call", name, arguments: JSON.stringify(input) };
}

/** Said of a list that is too long to be read to its end. */
const FEWER = "There are more: ask for fewer, such as “show tasks due this week”.";

/** What stands in place of a cursor, which nobody can say. */
const MORE = /^There (?:are|may be) more\.$/m;

/** A page of a list as the tool says it, and how to go on: by `show more`, unless this is the last page that is read. */
export function tellList(page: Call, { selection, isCount }: Extract<Wish, { type: "list" }>, isLast: boolean): string {
  const text = tell([page]).replace(MORE, isLast ? FEWER : SHOW_MORE);
  const tasks = readTaskLines(text);
  const { tags = [] } = selection.filter;
  if (tasks.length === 0 && !text.includes("\n") && !text.startsWith("Error")) {
    return tags.length === 0 ? text : `No such tasks with the tag ${tags.map((tag) => `“${tag}”`).join(" and ")}.`;
  }
  if (!isCount) return text;
  const more = text.endsWith(SHOW_MORE) || text.endsWith(FEWER) ? "More than " : "";
  return [`${more}${tasks.length} ${tasks.length === 1 ? "task" : "tasks"}:`, text].join("\n");
}

/** A yes that the server has not taken as the answer to a question of its own. */
export function answerYes(before: Turn | undefined): string {
  // What only looks was never asked about.
  const asked = before?.calls.filter(({ name }) => /^(?:create|update|complete|delete)_/.test(name)) ?? [];
  const fresh = asked.filter(({ output }) => output !== "" && !before?.answered.includes(output));
  const done = fresh.filter(({ output }) => !output.startsWith("Not done"));
  if (done.length > 0) return tell(done);
  if (fresh.length === 0) return "I have asked nothing. Say “help” for what I understand.";
  return "Your message has set my question aside: nothing was done. Ask me again, and answer the question itself, by its approval.";
}

/** Says what was not understood, and why. */
export function describe({ what, hint }: Unclear): string {
  const shown = Array.from(what).length > 80 ? `${Array.from(what).slice(0, 80).join("")}…` : what;
  return `I did not understand ${shown === "" ? "which" : `“${shown}”`}: ${hint}.`;
}

/** What a list says of the time, and of the last change. */
const CLOCK = /\nIt is \w+day, \S+ in \S+\.(?: Change \d+\.)?$/;

/**
 * What tools have said, without what a list says of the time and its cursor. A task's description is quoted: it may hold anything, even
 * what looks like a task. What the person said no to is said once.
 */
export function tell(calls: readonly Call[]): string {
  const told = calls.map(({ name, output }) => {
    if (output === REFUSED) return "Not done: you said no.";
    if (name === "list_tasks") return withoutCursor(output.replace(CLOCK, ""));
    return name === "get_task" ? output.replaceAll(/\n+(?!> )(?=.)/g, "\n> ") : output;
  });
  return told.filter((line, index) => calls[index]?.output !== REFUSED || told.indexOf(line) === index).join("\n");
}
