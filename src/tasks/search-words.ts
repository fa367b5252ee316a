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

/** The ids of tasks that a search finds by the beginnings of words, so many at most. */
export function idsByWords(search: string, most: SQL): SQL {
  return sql`select tasks_with_words(${asArray(search)}, ${most})`;
}

/**
 * The condition that a task has all words of a search in title or description, without regard to case and accents: as the
 * beginnings of its words, or, where no task of the person has words that begin so, anywhere.
 *
 * @param isWordFound whether any task of the person has words that begin so, where that is known
 */
export function containsWords(search: string, isWordFound = sql`exists (${idsByWords(search, sql`1`)})`): SQL {
  // Not LIKE, which is four times as slow where a word almost matches at every letter, and twice as slow elsewhere.
  const isInside = wordsOf(search).map((word) => sql`strpos(${tasks.searchedText}, (select search_text(${word}))) > 0`);
  // Not `exists`, which PostgreSQL may answer from the words of all tasks at once.
  const begins = sql`coalesce((select task_words.words @@ (select words_sought(current_user_id(), ${asArray(search)}))
    from task_words where task_words.user_id = ${tasks.userId} and task_words.task_id = ${tasks.id}), false)`;
  return sql`(${sql.join([...isInside, sql`(not (${isWordFound}) or ${begins})`], sql` and `)})`;
}
