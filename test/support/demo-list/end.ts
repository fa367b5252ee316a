import { day } from "./clock.ts";
import { byTitle, type Row, task, tasksBefore } from "./list.ts";

/** What a sentence leaves behind. */
export interface End {
  /** Tasks that are there in addition, in their order. */
  readonly added?: readonly (Partial<Row> & { readonly title: string })[];
  /** Tasks that are there otherwise, by their title before. */
  readonly changed?: Readonly<Record<string, Partial<Row>>>;
  /** Tasks that are gone once the person has said yes to the questions. */
  readonly deleted?: readonly string[];
  /** The tasks that the answer names, in any order. */
  readonly listed?: readonly string[];
  /** What the answer says. */
  readonly answer?: RegExp;
  /** Whether it says that the sentence was not understood: then no tool is called. */
  readonly isMisunderstood?: boolean;
}

/** The rows that an end means, by title. */
export function rowsAfter({ added = [], changed = {}, deleted = [] }: End): Row[] {
  const kept = tasksBefore.filter(({ title }) => !deleted.includes(title));
  return byTitle([
    ...kept.map((row) => ({ ...row, ...changed[row.title] })),
    ...added.map(({ title, ...rest }) => task(title, rest)),
  ]);
}

/** What a person says, and how it ends. */
export type Sentence = readonly [sentence: string, end: End];

/** One more task. */
export function add(title: string, fields: object = {}): End {
  return { added: [{ title, ...fields }] };
}

/** One task that is otherwise. */
export function change(title: string, fields: object): End {
  return { changed: { [title]: fields } };
}

/** An answer that names these tasks, and nothing changed. */
export function list(...titles: string[]): End {
  return { listed: titles };
}

/** Nothing changed, and an answer that says what was not understood. */
export function misunderstood(what: string): End {
  return {
    isMisunderstood: true,
    answer: new RegExp(`I did not understand (?:“[^”]*)?${what.replaceAll(/[.?+$()]/g, "\\$&")}`),
  };
}

/** The tasks that are open. */
export const open = tasksBefore.filter(({ status }) => status !== "completed").map(({ title }) => title);

/** Of the tasks that are open, those due from one day to before another. */
export function due(from: number, before: number): End {
  const isDue = (at: string | null) => at !== null && at >= day(from) && at < day(before);
  return list(
    ...tasksBefore.filter((task) => task.status !== "completed" && isDue(task.due)).map(({ title }) => title),
  );
}
