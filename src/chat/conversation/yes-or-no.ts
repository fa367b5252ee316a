// What people write who only mean yes, or only no: English, German, French, Spanish, Italian, Portuguese, Dutch, Polish,
// Russian, Ukrainian, Turkish, Japanese, Chinese, Korean, Arabic and Hindi. A word that says yes in one of them and no in
// another, or that is more than an answer, is not here: what is not understood is left to the model, and does nothing.

const YES = [
  "yes|yes please|yeah|sure|ok|okay|go ahead",
  "ja|ja bitte",
  "oui|d'accord",
  "sí|si|claro|vale",
  "sì|va bene",
  "sim",
  "ja graag",
  "tak",
  "да",
  "так",
  "evet|tamam",
  "はい|お願いします",
  "是|是的|好|好的|确认|確認",
  "네|예",
  "نعم",
  "हाँ|हां|जी हाँ",
];

const NO = [
  "no|no thanks|no thank you|cancel|don't",
  "nein|nein danke",
  "non|non merci",
  "no gracias",
  "no grazie",
  "não",
  "nee|nee bedankt",
  "nie",
  "нет",
  "ні",
  "hayır|iptal",
  "いいえ",
  "不|不要|取消",
  "아니요|아니오",
  "لا",
  "नहीं|जी नहीं",
];

const answers = new Map([...entriesOf(YES, true), ...entriesOf(NO, false)]);

/** Longer texts say more than yes or no, and need not be folded. */
const LONGEST = 60;

/**
 * What a message says that says nothing but yes or no, whatever its case, width and punctuation; undefined for every other.
 */
export function readYesOrNo(text: string): boolean | undefined {
  return text.length > LONGEST ? undefined : answers.get(fold(text));
}

function entriesOf(languages: readonly string[], meaning: boolean): (readonly [string, boolean])[] {
  return languages.flatMap((words) => words.split("|").map((word) => [fold(word), meaning] as const));
}

/** Its compatibility form (NFKC) in lower case, without punctuation but that in a word; of i, ı, I and İ all are one. */
function fold(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .normalize("NFKC")
    .replaceAll(/\u0131|i\u0307/gu, "i")
    .replaceAll("’", "'")
    .replaceAll(/[^\p{L}\p{M}\p{N}'-]+/gu, " ")
    .trim();
}
