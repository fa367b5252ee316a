/** What a sentence asks of a task list, as far as the demo model understands English. */
export type Wish =
  | { readonly type: "add"; readonly titles: readonly string[]; readonly list: string | undefined }
  | { readonly type: "list"; readonly status: "open" | "all" | "completed"; readonly list: string | undefined }
  | { readonly type: "complete" | "delete"; readonly names: readonly string[] | "all" }
  | { readonly type: "rename"; readonly name: string; readonly title: string }
  /** A yes or a no, which counts only as an answer to the question itself. */
  | { readonly type: "answer" }
  | { readonly type: "unclear" };

const POLITENESS = /^(?:(?:hi|hello|hey|ok|okay|please|could you|can you|would you|now)\b[\s,!]*)+/i;
const EVERYTHING = /^(?:all|everything|all (?:of )?(?:my |the )?tasks)$/i;

const patterns: readonly (readonly [RegExp, (groups: Record<string, string | undefined>) => Wish])[] = [
  [
    /^(?:add|create|make|new|put)(?: (?:a |the )?(?:new )?tasks?)?[: ]+(?<what>.+?)(?: (?:to|on|in) (?:my |the )?(?<list>[^,]{1,50}?)(?: list)?)?$/i,
    ({ what, list }) => ({ type: "add", titles: split(what).map(capitalize), list: readList(list) }),
  ],
  [/^(?:yes|yep|sure|no|nope|approve|approved|do it|go ahead)\b.*$/i, () => ({ type: "answer" })],
  [/^remind me to (?<what>.+)$/i, ({ what = "" }) => ({ type: "add", titles: [capitalize(what)], list: undefined })],
  [
    /^(?:show|list|display|see|view|what|which|read)\b(?<rest>.*)$/i,
    ({ rest = "" }) => ({ type: "list", status: readStatus(rest), list: readFilter(rest) }),
  ],
  [
    /^(?:rename|change|edit) (?:the )?(?:task )?(?<name>.+?) (?:to|into) (?<title>.+)$/i,
    ({ name = "", title = "" }) => ({ type: "rename", name: unquote(name), title: capitalize(unquote(title)) }),
  ],
  [
    /^(?:complete|finish|check off|tick off|close|mark) (?<names>.+?)(?: as (?:done|complete|completed|finished))?$/i,
    ({ names }) => ({ type: "complete", names: readNames(names) }),
  ],
  [
    /^(?<names>.+?) (?:is|are) (?:done|complete|completed|finished)$/i,
    ({ names }) => ({ type: "complete", names: readNames(names) }),
  ],
  [/^(?:delete|remove|erase) (?<names>.+)$/i, ({ names }) => ({ type: "delete", names: readNames(names) })],
];

/** Reads a sentence of a person. */
export function readSentence(text: string): Wish {
  const sentence = text
    .replaceAll(/\s+/g, " ")
    .trim()
    .replace(POLITENESS, "")
    .replace(/[\s.!?]+$/, "")
    .replace(/,? please$/i, "");
  for (const [pattern, read] of patterns) {
    const match = pattern.exec(sentence);
    if (match) return read(match.groups ?? {});
  }
  return { type: "unclear" };
}

function readNames(names = ""): readonly string[] | "all" {
  const bare = names.replace(/^(?:the |my )?tasks? (?=\S)/i, "");
  return EVERYTHING.test(bare) ? "all" : split(bare);
}

/** "milk, eggs and bread" are three. */
function split(enumeration = ""): string[] {
  return enumeration
    .split(/\s*(?:,|;|\band\b|&)\s*/i)
    .map(unquote)
    .filter((item) => item !== "");
}

function unquote(text: string): string {
  return text
    .trim()
    .replace(/^(?:the |a |an )(?=\S)/i, "")
    .replace(/^["'“‘]+|["'”’]+$/g, "");
}

function capitalize(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** "my list" is the one there is, and no list of its own. */
function readList(name: string | undefined): string | undefined {
  const list = name
    ?.replace(/\b(?:my|the|task|tasks|list|to-?do)\b/gi, "")
    .trim()
    .toLowerCase();
  return list === "" ? undefined : list;
}

function readStatus(rest: string): "open" | "all" | "completed" {
  if (/\b(?:done|completed|finished)\b/i.test(rest)) return "completed";
  return /\b(?:all|everything)\b/i.test(rest) ? "all" : "open";
}

function readFilter(rest: string): string | undefined {
  const words = rest
    .toLowerCase()
    .split(/[^\p{L}\p{N}-]+/u)
    .filter((word) => word !== "" && !COMMON.has(word));
  return words.length === 1 ? words[0] : undefined;
}

const COMMON: ReadonlySet<string> = new Set(
  (
    "me my the a all of is are on in to do todo to-do have there i you can task tasks list lists open pending left still " +
    "everything done completed finished s for what which today now next"
  ).split(" "),
);
