// How long a text may be in a list, counted in what it costs a model. No tokenizer is small enough to run here, so each
// character counts what text of its kind costs where nothing about it is known, such as letters in no order: measured
// with OpenAI's o200k_base. Ordinary words cost a third of that.

/** What marks that a text goes on. */
export const CUT = "…";

/** What a moment costs in JSON, with the name of its field. */
export const MOMENT_WEIGHT = 20;

/** How many tokens a text costs at most, but for one of nothing but the rarest characters of its script. */
export function weigh(text: string): number {
  let weight = 0;
  for (const character of text) weight += weightOf(character);
  return weight;
}

/** The text where it weighs no more than it may; else its beginning, cut at a word where one ends nearby, and `…`. */
export function shorten(text: string, weight: number): string {
  let left = weight;
  let end = 0;
  for (const character of text) {
    left -= weightOf(character);
    if (left < 0) return `${beginning(text, end)}${CUT}`;
    end += character.length;
  }
  return text;
}

function beginning(text: string, end: number): string {
  const space = text.lastIndexOf(" ", end);
  return text.slice(0, space > end * 0.7 ? space : end).trimEnd();
}

/** What a character of a range of code points costs at most; the first range that it is in counts. */
const WEIGHTS: readonly (readonly [first: number, last: number, weight: number])[] = [
  [0x22, 0x22, 2],
  [0x5c, 0x5c, 2],
  [0x00, 0x7f, 1],
  // The letters of Russian and its neighbours, of Hebrew and of Arabic.
  [0x400, 0x45f, 1.1],
  [0x5d0, 0x5ea, 1.1],
  [0x620, 0x64a, 1.1],
  [0x80, 0x7ff, 2],
  // The scripts of India and Thailand, kana, ideographs, Hangul.
  [0x900, 0xe7f, 1.5],
  [0x3040, 0x30ff, 1.5],
  [0x4e00, 0x9fff, 2],
  [0xac00, 0xd7a3, 2.4],
];

function weightOf(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code === 0x20 || (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a)) return 0.62;
  const known = WEIGHTS.find(([first, last]) => code >= first && code <= last);
  if (known !== undefined) return known[2];
  // In a text it is written out, as in \u{202e}.
  if (/\p{Default_Ignorable_Code_Point}/u.test(character)) return 7;
  if (code < 0x10000) return 3;
  return /\p{Extended_Pictographic}/u.test(character) ? 2.6 : 4;
}
