import { describe, expect, test } from "vitest";
import { readYesOrNo } from "../../src/chat/conversation/yes-or-no.ts";

const languages: readonly (readonly [language: string, yes: readonly string[], no: readonly string[]])[] = [
  [
    "English",
    ["yes", "Yes!", "YES, PLEASE.", " ok ", "Ｙｅｓ", "go ahead", "Sure, go ahead."],
    ["no", "No.", "no, thanks", "Don’t!", "cancel"],
  ],
  ["German", ["ja", "Ja, bitte!", "JAWOHL"], ["nein", "Nein, danke.", "nö"]],
  ["French", ["oui", "D’accord", "Oui, s’il vous plaît."], ["non", "Non, merci."]],
  ["Spanish", ["sí", "¡Sí!", "si", "Claro", "Sí, por favor"], ["no", "No, gracias."]],
  ["Italian", ["sì", "Va bene.", "Sì, per favore!"], ["no", "No, grazie"]],
  ["Portuguese", ["sim", "Sim!", "Sim, por favor"], ["não", "NÃO, OBRIGADA"]],
  ["Dutch", ["ja", "Ja, graag"], ["nee", "Nee, bedankt."]],
  ["Polish", ["tak", "Tak, proszę!"], ["nie", "Nie, dziękuję."]],
  ["Russian", ["да", "Да, пожалуйста."], ["нет", "НЕТ!"]],
  ["Ukrainian", ["так", "Гаразд."], ["ні", "Ні, дякую"]],
  ["Turkish", ["evet", "EVET", "Tamam."], ["hayır", "HAYIR", "İptal", "iptal"]],
  ["Japanese", ["はい", "はい。", "お願いします"], ["いいえ", "いいえ。"]],
  ["Chinese", ["是", "好的。", "确认", "確認"], ["不", "不要。", "取消"]],
  ["Korean", ["네", "예!"], ["아니요", "아니요."]],
  ["Arabic", ["نعم", "نعم."], ["لا", "لا!"]],
  ["Hindi", ["हाँ", "जी हाँ।"], ["नहीं", "जी नहीं।"]],
];

test.each(languages)("a yes and a no in %s, however it is written", (_, yes, no) => {
  for (const text of yes) expect(readYesOrNo(text), text).toBe(true);
  for (const text of no) expect(readYesOrNo(text), text).toBe(false);
});

describe("more than that, or something else, is neither", () => {
  test.each([
    "yes but rename it first",
    "yes, delete #2 as well",
    "not yes",
    "no no wait, yes",
    "yesterday",
    "maybe",
    "",
    "?",
    "👍",
    "¿Y?",
    "y",
    "n",
    "/y",
    "sure?",
    "ok?",
    "да?",
    "yes???",
    "ok 👎",
    "yes…",
    "ok...",
    "ok. . .",
    "ok\u2025",
    "ok\uFE19",
    "Так…",
    "はい？",
    "1",
    `yes${" ".repeat(100)}`,
  ])("%s", (text) => expect(readYesOrNo(text)).toBeUndefined());
});
