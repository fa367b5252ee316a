import { quote } from "./quote.ts";

/** How many things of one kind an answer names. */
export const MOST_NAMED = 10;

const LONGEST_NAME = 40;

/** The text where it has no more code points than that; else its beginning. */
export function beginningOf(text: string, maximum: number): string {
  if (text.length <= maximum) return text;
  // A code point is at most two UTF-16 units.
  return Array.from(text.slice(0, 2 * maximum))
    .slice(0, maximum)
    .join("");
}

/** The beginning of a text, in whole code points; a mark stands for the rest. */
export function excerpt(text: string, maximum: number, mark = "…"): string {
  const beginning = beginningOf(text, maximum);
  return beginning === text ? text : `${beginning}${mark}`;
}

/** A name that came from outside, as an answer may repeat it: not at length, and in quotes unless it is plain. */
export function quoteName(name: string): string {
  const shown = excerpt(name, LONGEST_NAME);
  return /^[\w.-]+\u2026?$/.test(shown) ? shown : quote(shown);
}

/** Names from outside in one phrase, such as `a, b and 3 more`. */
export function listNames(names: readonly string[], most = MOST_NAMED): string {
  const shown = names.slice(0, most).map(quoteName).join(", ");
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}

/** As many of a list as an answer names, each as it is told: `a; b; and 3 more`. */
export function listFirst<Item>(items: readonly Item[], tell: (item: Item) => string, most = MOST_NAMED): string {
  const told = items.slice(0, most).map(tell);
  return [...told, ...(items.length > most ? [`and ${items.length - most} more`] : [])].join("; ");
}

/** Tasks by their ids: `#1, #2`. */
export function listIds(ids: readonly number[]): string {
  return ids.map((id) => `#${id}`).join(", ");
}
