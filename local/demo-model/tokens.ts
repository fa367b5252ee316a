/** A piece of a sentence. */
export interface Token {
  readonly kind: "word" | "quoted" | "tag" | "mark";
  /** As it was typed; of what stands in quotes, and of a #tag, what is inside. */
  readonly text: string;
  /** What it is compared by: in lower case, with straight apostrophes. What is quoted equals no word. */
  readonly key: string;
}

/** The key of a quotation mark that nothing closes. */
export const OPEN_QUOTE = "“";

const PIECES = new RegExp(
  [
    // Quoted: an apostrophe before a letter (Bob's) does not end it.
    /"(?<double>[^"]+)"/u,
    /“(?<curly>[^”]+)”/u,
    /‘(?<single>(?:[^’]|’(?=\p{L}))+)’/u,
    /(?<![^\s,;:(])'(?<straight>(?:[^']|'(?=\p{L}))+)'/u,
    /#(?<tag>\p{L}[\p{L}\p{N}_-]*)/u,
    /(?<address>[a-z]+:\/\/\S*[^\s.,;:!?"”])/u,
    /(?<line>\n\s*(?:[-*•]\s)?)/u,
    /(?<half>[ap]\.m\.?(?=[\s,;!?]|$))/u,
    /(?<mark>[,;:.!?]+(?=\s|$)|[,;](?=\D))/u,
    // A word ends before a mark; a quotation mark that nothing closes stands alone.
    /(?<word>[^\s"“]+?(?=[,;:.!?]*(?:\s|$)|[,;]\D|["“]))/u,
    /(?<open>["“])/u,
  ]
    .map(({ source }) => source)
    .join("|"),
  "giu",
);

/** Splits a message into its words, marks, #tags and quotations. A new line is a mark: `;`. */
export function tokenize(message: string): Token[] {
  return [...message.trim().matchAll(PIECES)].map(({ groups = {} }) => {
    const { tag, line, half, mark, open } = groups;
    const word = groups.word ?? groups.address;
    const quoted = groups.double ?? groups.curly ?? groups.single ?? groups.straight;
    if (quoted !== undefined) return { kind: "quoted", text: quoted.trim().replaceAll(/\s+/g, " "), key: '"' };
    if (tag !== undefined) return { kind: "tag", text: tag, key: `#${toKey(tag)}` };
    if (half !== undefined) return { kind: "word", text: half, key: toKey(half.replaceAll(".", "")) };
    if (word !== undefined) return { kind: "word", text: word, key: toKey(word) };
    if (line !== undefined) return { kind: "mark", text: ";", key: ";" };
    return open === undefined
      ? { kind: "mark", text: mark ?? "", key: mark ?? "" }
      : { kind: "mark", text: open, key: OPEN_QUOTE };
  });
}

/** The tokens as a person would write them, without the quotation marks. */
export function textOf(tokens: readonly Token[]): string {
  return tokens.map(({ kind, text }, index) => (kind === "mark" || index === 0 ? text : ` ${text}`)).join("");
}

/** The title that tokens make, with a capital, but for an address and what begins in quotes, which is taken as it is. */
export function titleOf(tokens: readonly Token[]): string {
  const title = textOf(tokens);
  const isAsTyped = tokens[0]?.kind === "quoted" || /^[a-z]+:\/\//.test(title);
  return isAsTyped ? title : title.slice(0, 1).toUpperCase() + title.slice(1);
}

/** The tokens as they were typed. */
export function spell(tokens: readonly Token[]): string {
  return textOf(
    tokens.map((token) => {
      if (token.kind === "quoted") return { ...token, text: `"${token.text}"` };
      return token.kind === "tag" ? { ...token, text: `#${token.text}` } : token;
    }),
  );
}

/**
 * Follows a pattern from a place in the tokens, and answers where it ends; undefined where it does not fit. A pattern
 * is words with a space between them; `by|on` is one of them, `due?` may be left out, and `*` is any word.
 */
export function follow(tokens: readonly Token[], at: number, pattern: string): number | undefined {
  let next = at;
  for (const part of pattern.split(" ")) {
    const isOptional = part.endsWith("?") && part.length > 1;
    const choices = (isOptional ? part.slice(0, -1) : part).split("|");
    const token = tokens[next];
    if (token !== undefined && (choices.includes(token.key) || (part === "*" && token.kind === "word"))) next += 1;
    else if (!isOptional) return undefined;
  }
  return next;
}

/** Follows the first of several patterns that fits. */
export function followAny(tokens: readonly Token[], at: number, patterns: readonly string[]): number | undefined {
  for (const pattern of patterns) {
    const next = follow(tokens, at, pattern);
    if (next !== undefined) return next;
  }
  return undefined;
}

function toKey(text: string): string {
  return text.normalize("NFKC").toLowerCase().replaceAll("’", "'");
}
