import { ANY, update } from "./change-wish.ts";
import type { Context } from "./reference.ts";
import { follow, followAny, spell, type Token, textOf } from "./tokens.ts";
import { unclear, type Wish } from "./wish.ts";

const TAG = "tag|tags|label|labels";

/** Reads `tag #3 with home`, `add the tag home to milk`, `remove the tag home from milk`. */
export function readTagging(tokens: readonly Token[], context: Context): Wish | undefined {
  return readTag(tokens, context) ?? readMove(tokens, context);
}

/** `tag milk and eggs with home`, `label milk as dairy`, `tag milk #dairy`. */
function readTag(tokens: readonly Token[], context: Context): Wish | undefined {
  const begun = follow(tokens, 0, "tag|label");
  if (begun === undefined) return undefined;
  const joint = tokens.findLastIndex(({ key }, index) => index > begun && /^(?:with|as)$/.test(key));
  const first = tokens.findIndex(
    ({ kind }, index) => index > begun && kind === "tag" && tokens[index - 1]?.key !== "and",
  );
  const [end, behind] = joint > 0 ? [joint, joint + 1] : [first, first];
  const tags = end > 0 ? readNames(tokens.slice(behind)) : [];
  if (tags.length === 0) return unclear(spell(tokens), "say “tag milk with home”");
  return update(tokens.slice(begun, end), context, { type: "set", fields: { add_tags: tags } }, ANY);
}

/** `add the tag home to milk`, `remove #home from milk`. */
function readMove(tokens: readonly Token[], context: Context): Wish | undefined {
  const isAdded = follow(tokens, 0, "add") !== undefined;
  const verb = isAdded ? 1 : follow(tokens, 0, "remove|delete|drop|take|clear");
  if (verb === undefined) return undefined;
  const named = follow(tokens, verb, `the? ${TAG}`);
  // "add #work call Ada" adds a task.
  const isBare =
    tokens[verb]?.kind === "tag" && (!isAdded || tokens.slice(verb).find(({ kind }) => kind !== "tag")?.key === "to");
  const begun = named ?? (isBare ? verb : undefined);
  const joint = tokens.findIndex(
    ({ key }, at) => at > (begun ?? verb) && (isAdded ? /^to$/ : /^(?:from|off|of)$/).test(key),
  );
  if (begun === undefined || joint < 0) return undefined;
  const tags = readNames(tokens.slice(begun, joint));
  if (tags.length === 0) return undefined;
  const fields = isAdded ? { add_tags: tags } : { remove_tags: tags };
  return update(
    tokens.slice(followAny(tokens, joint, ["off of", "*"]) ?? joint),
    context,
    { type: "set", fields },
    ANY,
  );
}

/** The tags in words with commas and "and" between them. */
function readNames(tokens: readonly Token[]): string[] {
  const names: Token[][] = [[]];
  for (const token of tokens) {
    if (/^(?:,|and|&)$/.test(token.key)) names.push([]);
    else names.at(-1)?.push(token);
  }
  const filled = names.filter((name) => name.length > 0);
  return filled.map((name) => textOf(name).toLowerCase());
}
