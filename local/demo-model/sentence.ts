import { readYesOrNo } from "../../src/chat/conversation/yes-or-no.ts";
import { readAdd, readRecurring } from "./add-sentence.ts";
import { readChange } from "./change-sentence.ts";
import { readClaimNext, readHolder } from "./claim-sentence.ts";
import { readList } from "./list-sentence.ts";
import { readOverview } from "./overview-sentence.ts";
import type { Context } from "./reference.ts";
import { readParent, readRelated, readRelation } from "./relation-sentence.ts";
import { readDeed } from "./state-sentence.ts";
import { readTagging } from "./tag-sentence.ts";
import { follow, followAny, OPEN_QUOTE, spell, type Token, tokenize } from "./tokens.ts";
import { readUndo } from "./undo-sentence.ts";
import { unclear, type Wish } from "./wish.ts";

const POLITE = [
  "hi|hello|hey|ok|okay|please|now|so|well|thanks",
  "could|can|would|will you",
  "i want you? to",
  "i would|'d? like you? to",
  "i'd like you? to",
  "let's|lets",
  "good morning|afternoon|evening",
];
const POLITE_END = ["please", "thanks", "thank you", "for me"];
const YES_OR_NO =
  "yes|yep|yeah|sure|ok|okay|no|nope|approve|approved|confirm|confirmed|refuse|deny|reject|never|cancel do|mind|that|it? it|that?";

/** Words that a whole sentence cannot mean a command behind. */
const NEGATIONS = ["don't|dont|never|not|no", "do not", "if|should|why|who|when will|would"];

/** Reads a sentence of a person, in words and marks, as what it asks of the task list. */
export function readSentence(message: string, context: Context): Wish {
  // In whatever language the server has an answer, so that what it takes for one is never read as something else.
  if (readYesOrNo(message) !== undefined) return { type: "yes_or_no" };
  const tokens = withoutPoliteness(tokenize(message));
  if (tokens.some(({ key }) => key === OPEN_QUOTE)) return unclear(message.trim(), "a quotation mark is not closed");
  return readTokens(tokens, context);
}

function readTokens(tokens: readonly Token[], context: Context): Wish {
  if (tokens.length === 0 || followAny(tokens, 0, GREETINGS) === tokens.length) return { type: "greeting" };
  if (follow(tokens, 0, YES_OR_NO) === tokens.length) return { type: "yes_or_no" };
  const held = readHolder(tokens, context);
  if (held !== undefined) return held;
  const overview = readOverview(tokens);
  if (overview !== undefined) return overview;
  if (followAny(tokens, 0, NEGATIONS) === undefined) {
    const wish =
      readUndo(tokens) ??
      readClaimNext(tokens) ??
      readTagging(tokens, context) ??
      readSubtasks(tokens, context) ??
      readAdd(tokens, context.now) ??
      readRelation(tokens, context) ??
      readChange(tokens, context) ??
      readDeed(tokens, context) ??
      readRelated(tokens, context) ??
      readList(tokens, context) ??
      readRecurring(tokens, context.now);
    if (wish !== undefined) return wish;
  }
  return unclear(spell(tokens), "say “help” for what I understand");
}

/** Reads `add sand the fence under paint the fence`: what remains without the parent must be what adds tasks. */
function readSubtasks(tokens: readonly Token[], context: Context): Wish | undefined {
  if (follow(tokens, 0, "add|create a|the|some? subtask|subtasks") === tokens.length) {
    return unclear(spell(tokens), "say “add a subtask sand it to paint the fence”");
  }
  const found = readParent(tokens, context);
  const added = found && readAdd(found.words, context.now);
  return found && added?.type === "add" ? { ...added, parent: found.parent } : undefined;
}

const GREETINGS = ["help me?", "what can you do", "who are you", "what are you", "thank you", "you"];

/** The sentence without greetings before it, thanks behind it and the mark at its end. */
export function withoutPoliteness(tokens: readonly Token[]): readonly Token[] {
  const last = tokens.at(-1);
  if (last?.kind === "mark" && last.key !== OPEN_QUOTE) return withoutPoliteness(tokens.slice(0, -1));
  const [first] = tokens;
  if (first?.kind === "mark" && first.key !== OPEN_QUOTE) return withoutPoliteness(tokens.slice(1));
  const begun = followAny(tokens, 0, POLITE);
  // "ok" alone is an answer; "now" alone is nothing.
  if (begun !== undefined && (begun < tokens.length || !/^ok(?:ay)?$/.test(first?.key ?? "")))
    return withoutPoliteness(tokens.slice(begun));
  const end = POLITE_END.find((pattern) => {
    const length = pattern.split(" ").length;
    return tokens.length > length && follow(tokens, tokens.length - length, pattern) !== undefined;
  });
  return end === undefined ? tokens : withoutPoliteness(tokens.slice(0, -end.split(" ").length));
}
