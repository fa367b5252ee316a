// The words that the demo model knows. Whatever else it reads is part of a title, or is not understood.

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

/** What a person calls a task. */
export const THINGS = words("task tasks reminder reminders todo todos to-do to-dos item items");

/** What a person calls several tasks. */
export const SEVERAL = words("tasks reminders todos to-dos items things ones stuff");

/** Lists that need not be called a list. */
export const USUAL_LISTS = words(
  "groceries grocery shopping work home school chores errands personal household garden office family",
);

/** Verbs that go with "to": after them it belongs to the title, as in "go to work". */
const TO_VERBS =
  "go walk run drive fly travel ride cycle move head come get return send write reply answer respond talk speak " +
  "listen say give bring take carry email mail text message invite submit apply report present explain show tell hand " +
  "post upload deliver ship pay transfer sell donate subscribe sign switch upgrade migrate connect look attend agree " +
  "contribute refer forward introduce read sing pray commute relocate chat reach link attach copy point lend offer";

/** Verbs a task begins with: of "buy milk and eggs", both belong to one task. */
const OTHER_VERBS =
  "buy call phone ring meet see visit ask clean wash fix repair cook bake make feed water plant order book plan prepare " +
  "prep finish check review update test learn study practice practise watch cancel renew pick drop collect fetch find " +
  "search choose decide organize organise tidy vacuum dust iron fold pack unpack print scan file draft edit proofread " +
  "publish release deploy merge install remove replace paint mow cut trim build assemble measure research compare " +
  "schedule arrange confirm thank congratulate remind pray try use try sort backup back walk exercise train stretch " +
  "play record download research do start stop close open lock charge refill empty wrap knit sew discuss interview hire";

export const takesTo = words(TO_VERBS);
export const isVerb = words(`${TO_VERBS} ${OTHER_VERBS}`);

/** What a sentence to the demo model begins with; after "and" it would be a second sentence in one. */
export const COMMANDS = words(
  "add create delete remove erase complete finish rename reopen postpone delay reschedule show list mark start change set",
);

export const PRIORITIES = ["low", "medium", "high", "urgent"] as const;

export const WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;

export const MONTHS = [
  "january",
  "february",
  "march",
  "april",
  "may",
  "june",
  "july",
  "august",
  "september",
  "october",
  "november",
  "december",
] as const;

const COUNTS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
const PLACES = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];

/** The number that a word stands for: `3`, `three`, and `a` or `an` for one. */
export function readCount(word: string | undefined): number | undefined {
  if (word === "a" || word === "an") return 1;
  const index = COUNTS.indexOf(word ?? "");
  if (index >= 0) return index + 1;
  return /^\d{1,4}$/.test(word ?? "") ? Number(word) : undefined;
}

/** The place in a row that a word stands for, from 1 on: `second`, `2nd`; -1 for the last. */
export function readPlace(word: string | undefined): number | undefined {
  if (word === "last") return -1;
  const index = PLACES.indexOf(word ?? "");
  if (index >= 0) return index + 1;
  const digits = /^(\d{1,3})(?:st|nd|rd|th)$/.exec(word ?? "")?.[1];
  return digits === undefined || Number(digits) === 0 ? undefined : Number(digits);
}
