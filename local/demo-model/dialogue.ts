import { readYesOrNo } from "../../src/chat/conversation/yes-or-no.ts";
import type { Now } from "./calendar.ts";
import { setFields } from "./change-wish.ts";
import type { Turn } from "./conversation.ts";
import { readSpan } from "./day-phrase.ts";
import { type Picks, rankOf, wordsOf } from "./find-tasks.ts";
import { readModifiers } from "./modifiers.ts";
import { moveTo } from "./postpone-sentence.ts";
import { type Question, readQuestion } from "./question.ts";
import { readTarget } from "./reference.ts";
import { readSentence, withoutPoliteness } from "./sentence.ts";
import { readTaskLines } from "./task-lines.ts";
import { follow, type Token, textOf, tokenize } from "./tokens.ts";
import { unclear, type Wish } from "./wish.ts";

/** What the last message asks, with what messages before it have settled. */
export interface Understood {
  readonly wish: Wish;
  readonly picks: Picks;
  /** How many pages of a list were shown before. */
  readonly pages?: number;
}

/** Understands the last message: as the answer to a question of the turn before, or on its own. */
export function understand(turns: readonly Turn[], now: Now): Understood {
  const said = turns.at(-1)?.said ?? "";
  const before = turns.slice(0, -1);
  const answered = before.at(-1)?.answered ?? "";
  const reply = readReply(turns, now);
  if (reply !== undefined) return reply;
  const listed = readTaskLines(answered).map(({ id }) => id);
  return { wish: readSentence(said, { now, listed }), picks: new Map() };
}

const NONE = "no|none|neither|nope|cancel|never of? mind|them|these|those|that|it?";

/** Reads the last message as the answer to what the demo model has asked; undefined where it is none, but something new. */
export function readReply(turns: readonly Turn[], now: Now): Understood | undefined {
  const said = turns.at(-1)?.said ?? "";
  const before = turns.slice(0, -1);
  const question = readQuestion(before.at(-1)?.answered ?? "");
  if (question === undefined) return undefined;
  const tokens = withoutPoliteness(tokenize(said));
  // As the server reads it, in many languages.
  const approved = readYesOrNo(said);
  if (question.type === "more") {
    const isMore = follow(tokens, 0, "show|list|give? me? more|next|continue page|ones|tasks?") === tokens.length;
    const earlier = isMore ? understand(before, now) : undefined;
    return earlier?.wish.type === "list" ? { ...earlier, pages: (earlier.pages ?? 0) + 1 } : undefined;
  }
  const isNone = follow(tokens, 0, NONE) === tokens.length;
  if (isNone || approved === false) {
    return { wish: { type: "never_mind" }, picks: new Map() };
  }
  if (question.type === "day") {
    const earlier = understand(before, now);
    if (earlier.wish.type !== "no_day") return undefined;
    const problem = approved && unclear(said.trim(), "that is no day");
    const wish = problem ? { ...earlier.wish, problem } : readDayReply(earlier.wish, tokens, now);
    return wish && { ...earlier, wish };
  }
  const isYes = approved === true || follow(tokens, 0, "yes|yep|yeah|sure|ok|right|correct|exactly") === tokens.length;
  // A yes to several is asked the same again.
  if (isYes && question.tasks.length > 1) return understand(before, now);
  const ids = isYes ? question.tasks.map(({ id }) => id) : readChoice(question, tokens, now);
  if (ids === undefined) return undefined;
  const earlier = understand(before, now);
  return { ...earlier, picks: new Map([...earlier.picks, [question.name, ids]]) };
}

type NoDay = Extract<Wish, { type: "no_day" }>;

function readDayReply({ target, field }: NoDay, tokens: readonly Token[], now: Now): Wish | undefined {
  const span = readSpan(tokens, follow(tokens, 0, "by|for") ?? 0);
  if (span?.next === tokens.length) {
    const change = { type: "postpone", by: span.value } as const;
    return { type: "change", tool: "update_task", target, among: ["pending", "in_progress"], change, notes: [] };
  }
  const modifiers = readModifiers(tokens, 0, now, "changed");
  if (modifiers?.unclear !== undefined) return { type: "no_day", target, field, problem: modifiers.unclear };
  const isDay = modifiers?.due !== undefined && modifiers.priority === undefined && modifiers.status === undefined;
  return isDay ? setFields(target, moveTo(field, modifiers.due)) : undefined;
}

/** The tasks that are chosen from those asked about; undefined where the words choose none. */
function readChoice(question: Extract<Question, { type: "which" }>, tokens: readonly Token[], now: Now) {
  const ids = question.tasks.map(({ id }) => id);
  const digits = /^#?(\d{1,9})$/.exec(tokens.length === 1 ? (tokens[0]?.key ?? "") : "")?.[1];
  if (digits !== undefined) {
    const number = Number(digits);
    if (ids.includes(number)) return [number];
    const placed = tokens[0]?.key.startsWith("#") ? undefined : ids[number - 1];
    return placed === undefined ? undefined : [placed];
  }
  const target = readTarget(tokens, { now, listed: ids });
  const names = target.type === "named" ? target.readings[0] : undefined;
  const chosen = names?.flatMap((name) => (name.type === "number" ? [name.id] : []));
  if (chosen !== undefined && chosen.length > 0 && chosen.every((id) => ids.includes(id))) return chosen;
  const said = wordsOf(textOf(tokens.slice(follow(tokens, 0, "the") ?? 0)));
  const ranks = question.tasks.map(({ title }) => rankOf(said, wordsOf(title)));
  const fitting = ids.filter((_, index) => (ranks[index] ?? 0) > 0 && ranks[index] === Math.max(...ranks));
  return fitting.length === 1 ? fitting : undefined;
}
