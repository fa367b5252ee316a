import { excerpt } from "../../excerpt.ts";
import { isObject } from "../../json.ts";
import { quote } from "../../quote.ts";
import { titleFor } from "../../tools/catalog.ts";
import type { NamedTask, PlannedCall } from "../../tools/run-tool.ts";
import { MOST_NAMED_IN_QUESTION, UNNAMED } from "../stream/approval-groups.ts";

/** How much of a value a question shows, in code points. */
const LONGEST_VALUE = 300;

/** How much a question about several calls shows of a task's title, in code points. */
const LONGEST_TITLE = 80;

/** Of how many tasks a question shows the whole titles. */
const MOST_AT_LENGTH = 5;

/** What a call says to the server and not to a person; the number of an undo stands in what it does. */
const UNASKED = ["idempotency_key", "undo", "atomic", "match", "expect_count"];

/** The fields that list tasks to come: a question counts those, and names them by their titles. */
const NEW_TASKS = ["tasks", "subtasks"];

/** How much a question shows of tasks to come, in UTF-16 units; where they say more, it shows their titles alone. */
const ROOM_FOR_NEW_TASKS = 2_000;

/** A call, and what it would do to the tasks that are named, where the tool's name does not say it. */
interface CallInQuestion extends PlannedCall {
  readonly deed?: (named: string) => string;
}

/** A task in a question. */
interface TaskInQuestion extends NamedTask {
  /** What it was called before this message renamed it. */
  readonly titleBefore?: string | undefined;
  /** Its line, where it has changed since the person was asked before. */
  readonly now?: string;
}

/**
 * The question for a person, such as `Update task #12 "Buy milk": title "Buy oat milk", tags "dairy"?` What stands in
 * it in quotation marks is what a task says or a model wrote; all else is ours.
 *
 * @param tasks those that the call names
 */
export function approvalQuestion(call: CallInQuestion, tasks: readonly TaskInQuestion[]): string {
  const question = askAbout(call, tasks);
  const leavesOut = tasks.length > MOST_NAMED_IN_QUESTION && call.tool.annotations.destructiveHint;
  return leavesOut ? `${question} ${UNNAMED}` : question;
}

function askAbout(call: CallInQuestion, tasks: readonly TaskInQuestion[]): string {
  const values = showDetails(call);
  const about = nameTasks(tasks);
  if (call.deed !== undefined) {
    const deed = call.deed(about);
    return `${deed.charAt(0).toUpperCase()}${deed.slice(1)}${values && `: ${values}`}?`;
  }
  if (tasks.length > 1) return `${titleFor(call.tool.title, tasks.length)}: ${about}${values && ` (each: ${values})`}?`;
  return `${about === "" ? titleOf(call) : call.tool.title}${about && ` ${about}`}${values && `: ${values}`}?`;
}

/** What a call does that names no task: it makes some, or takes the next. */
function titleOf({ tool, changes }: PlannedCall): string {
  return changes > 1 ? titleFor(tool.title, changes) : tool.title;
}

/** What the call is about, for a question about several: `"Milk"` of a task to come, `#12 "Milk" (priority "low")` of one there is. */
export function approvalSubject(call: CallInQuestion, tasks: readonly TaskInQuestion[]): string {
  const titles = titlesOf(Object.fromEntries(call.details));
  const values = showDetails(call);
  if (call.deed !== undefined) return call.deed(nameTasks(tasks));
  if (tasks.length > 0) return `${nameTasks(tasks)}${values && ` (${tasks.length > 1 ? "each: " : ""}${values})`}`;
  return titles.join(", ") || values;
}

/** The title of a task to come, and those of the tasks that are to come with it. */
function titlesOf(task: Readonly<Record<string, unknown>>): string[] {
  const { title } = task;
  const others = NEW_TASKS.flatMap((field) => task[field] ?? []).filter(isObject);
  return [...(typeof title === "string" ? [quote(excerpt(title, LONGEST_TITLE))] : []), ...others.flatMap(titlesOf)];
}

/** Them, as far as a question has room; where they are many, as much of the title of each as several questions show. */
function nameTasks(tasks: readonly TaskInQuestion[]): string {
  const longest = tasks.length > MOST_AT_LENGTH ? LONGEST_TITLE : Number.POSITIVE_INFINITY;
  const named = tasks.slice(0, MOST_NAMED_IN_QUESTION).map((task) => nameTask(task, longest));
  const more = tasks.length - named.length;
  return `${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function nameTask({ id, title, titleBefore = title, claimed, now }: TaskInQuestion, longest: number): string {
  if (now !== undefined) return `${now} (changed since you were asked)`;
  const show = (text: string) => quote(excerpt(text, longest));
  const renamed = titleBefore === title ? "" : ` (now renamed to ${show(title)})`;
  const held = claimed === undefined ? "" : ` (${claimed}, which this ends)`;
  return `#${id} ${show(titleBefore)}${renamed}${held}`;
}

function showDetails({ details }: PlannedCall): string {
  return showFields([...details].filter(([field]) => !UNASKED.includes(field)));
}

function showFields(fields: readonly (readonly [string, unknown])[]): string {
  return fields
    .map(([field, value]) => {
      if (!NEW_TASKS.includes(field) || !Array.isArray(value))
        return `${field.replaceAll("_", " ")} ${showValue(value)}`;
      const tasks = showNewTasks(value);
      return field === "tasks" ? tasks : `${field} ${tasks}`;
    })
    .join(", ");
}

/** Tasks to come, as far as a question has room. */
function showNewTasks(tasks: readonly unknown[]): string {
  const shown = tasks.map(showNewTask).join(", ");
  if (shown.length <= ROOM_FOR_NEW_TASKS) return shown;
  return `${titlesOf({ tasks }).join(", ")} (what else is said of them has no room here)`;
}

/** A task to come: `"Milk" (tags "groceries")`. */
function showNewTask(task: unknown): string {
  if (!isObject(task) || typeof task.title !== "string") return showValue(task);
  const { title: _title, ...others } = task;
  const values = showFields(Object.entries(others));
  return `${showText(task.title)}${values && ` (${values})`}`;
}

/** A value in words: a list of several, and in brackets what has fields of its own. */
function showValue(value: unknown): string {
  if (typeof value === "string") return showText(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (value === null || value === undefined) return "nothing";
  if (typeof value !== "object") return String(value);
  if (!Array.isArray(value)) return `(${showFields(Object.entries(value))})`;
  return value.map(showValue).join(", ");
}

/** A text in quotation marks; where it is long its beginning, and outside of the marks how much is left out. */
function showText(value: string): string {
  const characters = Array.from(value);
  const left = characters.length - LONGEST_VALUE;
  if (left <= 0) return quote(value);
  return `${quote(characters.slice(0, LONGEST_VALUE).join(""))} and ${left} characters more`;
}
