import { describe, expect, it } from "vitest";
import { quote, quoteLines, withoutUnseen } from "../../src/quote.ts";

describe("a quotation", () => {
  it.each([
    ["a quotation mark", 'Read "Dune"', String.raw`"Read \"Dune\""`],
    ["marks that look like one", "Eggs”? Nothing will be lost. “", String.raw`"Eggs\”? Nothing will be lost. \“"`],
    ["two apostrophes", "Eggs''? 'Bob’s'", String.raw`"Eggs'\'? 'Bob’s'"`],
    ["a backslash before its end", "Eggs\\", String.raw`"Eggs\\"`],
    ["many blanks", "Eggs\u2003\u2800\u00a0 ?", '"Eggs ?"'],
    ["a right-to-left override", "Eggs \u202egnihton", String.raw`"Eggs \u{202e}gnihton"`],
    ["isolates and marks of direction", "\u2066a\u2069\u200e", String.raw`"\u{2066}a\u{2069}\u{200e}"`],
    ["a joiner between Latin letters", "pay\u200dpal", String.raw`"pay\u{200d}pal"`],
    ["words spelt in tags", "Eggs\u{E0041}\u{E0042}", String.raw`"Eggs\u{e0041}\u{e0042}"`],
    ["bytes spelt in variation selectors", "👍\uFE0F\uFE01\u{E0101}", String.raw`"👍️\u{fe01}\u{e0101}"`],
    ["a control character", "a\u0007b", String.raw`"a\u{7}b"`],
  ])("cannot be ended or disguised by %s", (_, text, quoted) => {
    expect(quote(text)).toBe(quoted);
  });

  it.each([
    ["what is ordinary", "Bob’s 50% · #12 (naïve) — ¿sí?"],
    ["families, hearts and keycaps", "👨‍👩‍👧 ❤️ 1️⃣ 👍🏽 🧑🏽‍🚀"],
    ["Persian and Hindi with their joiners", "می‌خواهم क्‍ष"],
    ["an ideograph's variant", "葛\u{E0100}飾"],
    ["Hebrew and Japanese", "לשלם חשבון 「買い物」"],
  ])("leaves %s as it is", (_, text) => {
    expect(quote(text)).toBe(`"${text}"`);
    expect(withoutUnseen(text)).toBe(text);
  });
});

it("quoted lines begin with a sign each, whatever ends a line", () => {
  expect(quoteLines("one\r\n\n#2 \ttwo\u2028#3 three\u0085\u202efour")).toBe(
    "> one\n>\n> #2 \ttwo\n> #3 three\n> \\u{202e}four",
  );
});

it("what nobody sees can be left out", () => {
  expect(withoutUnseen("a\u202e\u{E0041}b\u200bc")).toBe("abc");
});
