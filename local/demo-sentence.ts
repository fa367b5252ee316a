/** What a sentence asks of a task list, as far as the demo model understands English. */
export type Wish =
  | { readonly type: "add"; readonly titles: readonly string[]; readonly list: string | undefined }
  | {
      readonly type: "list";
      readonly status: Status;
      readonly due?: Due | undefined;
      readonly list: string | undefined;
    }
  | { readonly type: "get"; readonly id: number }
  | {
      readonly type: "complete" | "delete";
      readonly names: readonly string[] | "all";
      readonly list?: string | undefined;
    }
  | { readonly type: "rename"; readonly name: string; readonly title: string }
  /** A yes or a no, which counts only as an answer to the question itself. */
  | { readonly type: "answer" }
  | { readonly type: "unclear" };

type Status = "open" | "all" | "completed" | "pending" | "in_progress" | "cancelled";
type Due = "today" | "tomorrow" | "overdue";

/** Puts what the person has put in quotes back in place of the marks that have stood for it. */
type Restore = (text: string) => string;
type Groups = Record<string, string | undefined>;

const POLITENESS = /^(?:(?:hi|hello|hey|ok|okay|please|could you|can you|would you|now)\b[\s,!]*)+/i;
const EVERYTHING = /^(?:all|everything|all (?:of )?(?:my |the )?tasks)$/i;
const QUOTED = /"([^"]+)"|“([^”]+)”|‘([^’]+)’|(?<![^\s,])'([^']+)'(?![^\s,.;!?])/g;
/** Of the private use area, so that nobody types them. */
const MARK = /\uE000(\d+)\uE001/g;

const THING = "(?:tasks?|reminders?|to-?dos?|items?)";
const COUNT = "(?:an?|the|another|some|these|\\d+|two|three|four|five|six|seven|eight|nine|ten)";

const patterns: readonly (readonly [RegExp, (groups: Groups, restore: Restore) => Wish])[] = [
  [
    new RegExp(
      `^(?:add|create|make|set|new)(?: ${COUNT})?(?: new)? ${THING} (?:to|called|named|titled) (?<what>.+?)(?: (?:to|on|in) (?:my|the) (?<list>[^,]{1,50}?) list)?$`,
      "i",
    ),
    ({ what = "", list }, restore) => ({ type: "add", titles: [capitalize(restore(what))], list: readList(list) }),
  ],
  [
    new RegExp(
      `^(?:add|create|make|new|put)(?:(?: ${COUNT})?(?: new)? ${THING})?[: ]+(?<what>.+?)(?: (?:to|on|in) (?:my |the )?(?<list>[^,]{1,50}?)(?: list)?)?$`,
      "i",
    ),
    ({ what, list }, restore) => ({
      type: "add",
      titles: split(what).map(restore).map(capitalize),
      list: readList(list),
    }),
  ],
  [/^(?:yes|yep|sure|no|nope|approve|approved|do it|go ahead)\b.*$/i, () => ({ type: "answer" })],
  [
    /^remind me to (?<what>.+)$/i,
    ({ what = "" }, restore) => ({ type: "add", titles: [capitalize(restore(what))], list: undefined }),
  ],
  [
    /^(?:show|display|see|view|read|open|get)(?: me)?(?: the)?(?: task (?:number |#)?| #)(?<id>\d{1,9})$/i,
    ({ id }) => ({ type: "get", id: Number(id) }),
  ],
  [
    /^(?:show|list|display|see|view|what|which|read)\b(?<rest>.*)$/i,
    ({ rest = "" }) => ({ type: "list", status: readStatus(rest), due: readDue(rest), list: readFilter(rest) }),
  ],
  [
    /^(?:rename|change|edit) (?:the )?(?:task )?(?<name>.+?) (?:to|into) (?<title>.+)$/i,
    ({ name = "", title = "" }, restore) => ({
      type: "rename",
      name: restore(bare(name)),
      title: capitalize(restore(bare(title))),
    }),
  ],
  [
    /^(?:(?:complete|finish|close|mark) (?<names>.+?) (?:as )?(?:done|completed?|finished)|(?:check|tick|cross) (?<off>.+?) off)$/i,
    ({ names, off }, restore) => ({ type: "complete", ...readNames(names ?? off, restore) }),
  ],
  [
    /^(?:complete|finish|check off|tick off|close) (?<names>.+)$/i,
    ({ names }, restore) => ({ type: "complete", ...readNames(names, restore) }),
  ],
  [
    /^(?<names>.+?) (?:is|are) (?:done|completed?|finished)$/i,
    ({ names }, restore) => ({ type: "complete", ...readNames(names, restore) }),
  ],
  [
    /^(?:delete|remove|erase) (?<names>.+?)(?: (?:from|off|on|in) (?:my |the )?(?<list>[^,]{1,50}?)(?: list)?)?$/i,
    ({ names, list }, restore) => ({ type: "delete", ...readNames(names, restore), list: readList(list) }),
  ],
];

/** Reads a sentence of a person. */
export function readSentence(text: string): Wish {
  const quoted: string[] = [];
  const restore: Restore = (part) => part.replaceAll(MARK, (_, index: string) => quoted[Number(index)] ?? "");
  const sentence = text
    .replaceAll(/\s+/g, " ")
    .replaceAll(QUOTED, (whole) => `\uE000${quoted.push(whole.slice(1, -1).trim()) - 1}\uE001`)
    .trim()
    .replace(POLITENESS, "")
    .replace(/[\s.!?]+$/, "")
    .replace(/,? please$/i, "");
  for (const [pattern, read] of patterns) {
    const match = pattern.exec(sentence);
    if (match) return read(match.groups ?? {}, restore);
  }
  return { type: "unclear" };
}

function readNames(names = "", restore: Restore): { readonly names: readonly string[] | "all" } {
  if (EVERYTHING.test(names)) return { names: "all" };
  const withoutThing = names.replace(/^(?:the |my )?tasks? (?=\S)/i, "").replace(/(?<=\S) tasks?$/i, "");
  return { names: split(withoutThing).map(restore) };
}

/** "milk, eggs and bread" are three. */
function split(enumeration = ""): string[] {
  return enumeration
    .split(/\s*(?:,|;|\band\b|&)\s*/i)
    .map(bare)
    .filter((item) => item !== "");
}

function bare(text: string): string {
  return text
    .trim()
    .replace(/^(?:the |a |an |my )(?=\S)/i, "")
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

function readStatus(rest: string): Status {
  if (/\b(?:open|unfinished|incomplete|overdue|not (?:yet )?(?:done|completed?|finished))\b/i.test(rest)) return "open";
  if (/\b(?:in progress|started)\b/i.test(rest)) return "in_progress";
  if (/\bcancell?ed\b/i.test(rest)) return "cancelled";
  if (/\b(?:done|completed|finished)\b/i.test(rest)) return "completed";
  if (/\bpending\b/i.test(rest)) return "pending";
  return /\b(?:all|everything)\b/i.test(rest) ? "all" : "open";
}

function readDue(rest: string): Due | undefined {
  const [word] = /\b(?:today|tomorrow|overdue)\b/i.exec(rest) ?? [];
  const due = word?.toLowerCase();
  return due === "today" || due === "tomorrow" || due === "overdue" ? due : undefined;
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
    "me my the a all any of is are am on in to do todo to-do have there i you can task tasks list lists left still " +
    "everything s for what which next now not yet open pending unfinished incomplete progress started done completed " +
    "complete finished cancelled canceled due overdue today tomorrow"
  ).split(" "),
);
