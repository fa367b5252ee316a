import { type SQL, sql } from "drizzle-orm";
import { tasks } from "./task-rows.ts";

/** What a sentence puts before a word and after it, and is no part of it: quotation marks, brackets, stops. */
const AROUND = /^[\p{Pi}\p{Pf}\p{Ps}"'`¿¡]+|[\p{Pi}\p{Pf}\p{Pe}"'`.,;:!?…。、！？，；：]+$/gu;

const DASH = /^\p{Pd}+$/u;

/**
 * The words of a search between white space, without the punctuation around them: `"pay bill",` is pay and bill. Signs that a
 * word is made of stay (50%, C++, .env), and so does a search that is punctuation alone.
 */
function wordsOf(search: string): string[] {
  const written = search.split(/\p{White_Space}+/u).filter((word) => word !== "");
  const bare = written.map((word) => word.replaceAll(AROUND, "")).filter((word) => word !== "" && !DASH.test(word));
  return [...new Set(bare.length > 0 ? bare : written)];
}

/** The words of a search as the database's functions take them. */
const asArray = (search: string) =>
  sql`array(select jsonb_array_elements_text(${JSON.stringify(wordsOf(search))}::jsonb))`;

/** What the database knows of the words of a search. */
export interface WordsSought {
  /** The beginnings of words that a task must have, as `words_sought` makes them. */
  readonly sought: SQL;
  /** Whether any task of the person has words that begin so. */
  readonly isFound: SQL;
}

/** The beginnings of words that a search looks for, made once for a whole query. */
export function wordsSought(search: string): SQL {
  return sql`words_sought(current_user_id(), ${asArray(search)})`;
}

/** The ids of tasks that have the words sought, so many at most. */
export function idsByWords(sought: SQL, most: SQL): SQL {
  return sql`select tasks_with_words(${sought}, ${most})`;
}

/**
 * The condition that a task has all words of a search in title or description, without regard to case and accents: as the
 * beginnings of its words, or, where no task of the person has words that begin so, anywhere.
 */
export function containsWords(search: string, { sought, isFound }: WordsSought): SQL {
  // Not LIKE, which is four times as slow where a word almost matches at every letter, and twice as slow elsewhere.
  const isInside = wordsOf(search).map((word) => sql`strpos(${tasks.searchedText}, (select search_text(${word}))) > 0`);
  // Not `exists`, which PostgreSQL may answer from the words of all tasks at once.
  const begins = sql`coalesce((select task_words.words @@ ${sought}
    from task_words where task_words.user_id = ${tasks.userId} and task_words.task_id = ${tasks.id}), false)`;
  return sql`(${sql.join([...isInside, sql`(not (${isFound}) or ${begins})`], sql` and `)})`;
}
