import { readYesOrNo } from "../../src/chat/conversation/yes-or-no.ts";
import { excerpt } from "../../src/excerpt.ts";
import type { Now } from "./calendar.ts";
import type { Call, Turn } from "./conversation.ts";
import { readReply } from "./dialogue.ts";
import { readQuestion } from "./question.ts";
import { tell } from "./tell.ts";

/** What the server says of a call that it has asked about, where the person went on without an answer to that. */
const SET_ASIDE = "Not done: the person was asked, and wrote instead.";

const NOTHING_ASKED = "Nothing is waiting for your answer. Say “help” for what I understand.";

const ALL_ENDED =
  "Nothing is waiting for your answer: what I asked before was answered, or set aside by what was said since. Say again what is still to be done.";

const LONGEST_SAID = 80;

/** What was done in a turn and not told in it: the model was not asked any more, or another call waited for an answer. */
export function untoldChanges(turn: Turn | undefined): Call[] {
  const untold = turn?.untold ?? [];
  return untold.filter(({ name, output }) => isWriting(name) && output !== "" && !output.startsWith("Not done"));
}

/** What to say to a yes or a no that has answered no question. */
export function answerStray(turns: readonly Turn[], now: Now): string {
  const before = turns.slice(0, -1);
  const untold = untoldChanges(before.at(-1));
  const question = describeQuestion(turns, now);
  if (untold.length === 0) return question ?? NOTHING_ASKED;
  return [tell(untold), ...(question === undefined ? [] : [question])].join("\n");
}

/** What became of questions that were not answered; undefined where there are none. */
function describeQuestion(turns: readonly Turn[], now: Now): string | undefined {
  const asking = turns.slice(0, -1).flatMap((turn, index) => (asks(turn) ? [index] : []));
  const at = asking.findLast((index) => !isAnswered(turns.slice(0, index + 2), now));
  const asked = at === undefined ? undefined : turns[at];
  if (at === undefined || asked === undefined) return undefined;
  if (at !== asking.at(-1)) return ALL_ENDED;
  const isNo = readYesOrNo(turns.at(-1)?.said ?? "") === false;
  if (at + 2 === turns.length) {
    const aside = "Your message has set my question aside: nothing was done of what it was about.";
    return isNo ? aside : `${aside} Ask me again, and answer the question itself, by its approval.`;
  }
  const about = `What I asked after “${excerpt(asked.said, LONGEST_SAID)}” no longer counts`;
  const aside = `${about}: what was said since has set it aside, and nothing was done of it.`;
  return isNo ? aside : `${aside} Say again what is to be done, and I ask again.`;
}

/** Whether the last turn answers what the one before it has asked. */
function isAnswered(turns: readonly Turn[], now: Now): boolean {
  const { said, calls, replaced } = turns.at(-1) ?? { said: "", calls: [], replaced: [] };
  const isTaken = readYesOrNo(said) !== undefined && [...calls, ...replaced].some(({ name }) => isWriting(name));
  return isTaken || readReply(turns, now) !== undefined;
}

/** Whether the server has asked something in a turn that was not answered in it, or the demo model itself. */
function asks({ calls, answered }: Turn): boolean {
  const question = readQuestion(answered);
  return calls.some(({ output }) => output === SET_ASIDE) || (question !== undefined && question.type !== "more");
}

function isWriting(name: string): boolean {
  return /^(?:create|update|complete|delete)_/.test(name);
}
