import { type Context, readTarget } from "./reference.ts";
import { follow, followAny, type Token } from "./tokens.ts";
import { readCount } from "./vocabulary.ts";
import type { Wish } from "./wish.ts";

const HOLDERS = [
  "who is|has working|claimed on?",
  "who's working on",
  "who holds|claimed|has",
  "is anyone|somebody|anybody working on",
];

/** Reads `who holds task 3?`: what is shown of a task says that. */
export function readHolder(tokens: readonly Token[], context: Context): Wish | undefined {
  const begun = followAny(tokens, 0, HOLDERS);
  if (begun === undefined || begun === tokens.length) return undefined;
  const target = readTarget(tokens.slice(begun), context);
  return target.type === "unclear" ? target : { type: "show", target };
}

/** Reads `claim the next task`, `claim the next 3 tasks`. */
export function readClaimNext(tokens: readonly Token[]): Wish | undefined {
  const begun = follow(tokens, 0, "claim the? next");
  if (begun === undefined) return undefined;
  const count = readCount(tokens[begun]?.key);
  const at = count === undefined ? begun : begun + 1;
  const isWhole = at === tokens.length || followAny(tokens, at, ["ready? task|tasks|one"]) === tokens.length;
  return isWhole && count !== 0 ? { type: "claim_next", count: count ?? 1 } : undefined;
}
