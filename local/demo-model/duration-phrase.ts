import type { Phrase } from "./day-phrase.ts";
import { follow, followAny, type Token } from "./tokens.ts";
import { readCount } from "./vocabulary.ts";

const HOURS = "hour|hours|hr|hrs|h";
const MINUTES = "minute|minutes|min|mins|m";

/** Reads `30 minutes`, `an hour and a half`, `1.5 hours`, `2h`, `1 hour 15 minutes` as minutes. */
export function readDuration(tokens: readonly Token[], at: number): Phrase<number> | undefined {
  const begun = followAny(tokens, at, ["about|around|roughly", "only|just"]) ?? at;
  const half = followAny(tokens, begun, [`half an? ${HOURS}`, `half ${HOURS}`]);
  if (half !== undefined) return { value: 30, next: half };
  const hours = readPart(tokens, begun, HOURS);
  if (hours === undefined) return asWhole(readPart(tokens, begun, MINUTES));
  const more = follow(tokens, hours.next, "and") ?? hours.next;
  const andHalf = follow(tokens, more, "a half");
  if (andHalf !== undefined) return asWhole({ value: 60 * hours.value + 30, next: andHalf });
  const minutes = readPart(tokens, more, MINUTES);
  return asWhole({ value: 60 * hours.value + (minutes?.value ?? 0), next: minutes?.next ?? hours.next });
}

/** A number and its unit, apart or in one word. */
function readPart(tokens: readonly Token[], at: number, units: string): Phrase<number> | undefined {
  const [, digits, joined] = /^(\d{1,5}(?:\.\d{1,2})?)(\p{L}+)?$/u.exec(tokens[at]?.key ?? "") ?? [];
  if (joined !== undefined)
    return units.split("|").includes(joined) ? { value: Number(digits), next: at + 1 } : undefined;
  const count = digits === undefined ? readCount(tokens[at]?.key) : Number(digits);
  if (count === undefined) return undefined;
  const andHalf = follow(tokens, at + 1, "and a half");
  const next = follow(tokens, andHalf ?? at + 1, units);
  return next === undefined ? undefined : { value: count + (andHalf === undefined ? 0 : 0.5), next };
}

function asWhole(phrase: Phrase<number> | undefined): Phrase<number> | undefined {
  return phrase !== undefined && Number.isInteger(phrase.value) && phrase.value > 0 ? phrase : undefined;
}
