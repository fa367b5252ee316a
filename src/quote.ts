// How text that anybody may have written is put into a sentence of ours, for a model or a person: it can neither end
// its quotation early, and so pass for what we say, nor hide anything.

/**
 * What looks like the end of a quotation: U+0022, what is confusable with it (Unicode, UTS #39), and what escapes it. By
 * number, or V8 would read the whole bundle at two bytes a character.
 */
const CLOSING =
  /[\\"\u201C\u201D\u201E\u201F\u2033\u2036\u2057\u275D\u275E\u2760\u3003\u301D\u301E\u301F\uFF02\u02BA\u02DD\u02EE\u02F6\u05F4\u{1F676}\u{1F677}\u{1F678}]|(?<=['\u2018\u2019\u201A\u201B\u2032\u2035\u02B9\u02BC`\u00B4])['\u2018\u2019\u201A\u201B\u2032\u2035\u02B9\u02BC`\u00B4]/gu;

const BLANK = /[\p{White_Space}\u2800]+/gu;

/** What nobody sees, although it may turn the text around it (U+202E), split a word (U+200B) or spell words (U+E0041). */
const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\uFFF9-\uFFFB]/gu;

/**
 * One line of text in quotation marks, `"Read \“Dune\”"`: white space is a space, what could end the quotation has a
 * backslash before it, and what nobody would see is written out, `\u{202e}`.
 */
export function quote(text: string): string {
  return `"${reveal(text.replace(BLANK, " ").replace(CLOSING, "\\$&"))}"`;
}

/** Lines of text, each after `> `, so that none of them passes for a line of ours; unseen characters are written out. */
export function quoteLines(text: string): string {
  return text
    .split(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/u)
    .map((line) => `> ${reveal(line)}`.trimEnd())
    .join("\n");
}

/** The text without what nobody sees in it. */
export function withoutUnseen(text: string): string {
  return text.replace(UNSEEN, (character, offset: number) => (isNeeded(character, offset, text) ? character : ""));
}

function reveal(text: string): string {
  return text.replace(UNSEEN, (character, offset: number) =>
    character === "\t" || isNeeded(character, offset, text)
      ? character
      : `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}

/** Whether an unseen character belongs to what is seen: to an emoji, an ideograph, or letters that are joined by it. */
function isNeeded(character: string, offset: number, text: string): boolean {
  const before = Array.from(text.slice(Math.max(0, offset - 2), offset)).at(-1) ?? "";
  const [after = ""] = text.slice(offset + character.length, offset + character.length + 2);
  if (/\p{Variation_Selector}/u.test(character)) return /[\p{Emoji}\p{Ideographic}]/u.test(before);
  if (!/\p{Join_Control}/u.test(character)) return false;
  return (
    (isWrittenJoined(before) && isWrittenJoined(after)) ||
    (character === "\u200D" && isPictograph(before) && isPictograph(after))
  );
}

// Not among the constants above: with each start V8 would look up the characters of these scripts.

/** A letter or mark of a script that is written with U+200C and U+200D. */
function isWrittenJoined(character: string): boolean {
  const joined =
    /[\p{scx=Arab}\p{scx=Syrc}\p{scx=Mong}\p{scx=Deva}\p{scx=Beng}\p{scx=Guru}\p{scx=Gujr}\p{scx=Orya}\p{scx=Taml}\p{scx=Telu}\p{scx=Knda}\p{scx=Mlym}\p{scx=Sinh}\p{scx=Khmr}\p{scx=Mymr}]/u;
  return joined.test(character);
}

function isPictograph(character: string): boolean {
  return /\p{Extended_Pictographic}|\p{Emoji_Modifier}|\uFE0F/u.test(character);
}
