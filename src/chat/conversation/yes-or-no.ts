// What people write who only mean yes, or only no: English, German, French, Spanish, Italian, Portuguese, Dutch, Polish,
// Russian, Ukrainian, Turkish, Japanese, Chinese, Korean, Arabic and Hindi. A word that says yes in one of them and no in
// another, or that is more than an answer, is not here: what is not understood is left to the model, and does nothing.

const YES = [
  "yes|yes please|yes go ahead|sure go ahead|yep|yeah|yup|sure|ok|okay|confirm|approve|approved|go ahead|do it",
  "ja|ja bitte|jawohl|jo|klar|gerne|mach das|bestätigen",
  "oui|oui s'il vous plaît|oui s'il te plaît|ouais|d'accord|vas-y|confirmer",
  "sí|sí por favor|si|si por favor|claro|vale|de acuerdo|confirmar",
  "sì|sì grazie|sì per favore|certo|va bene|confermo|conferma",
  "sim|sim por favor|claro que sim|pode|confirmo",
  "ja graag|jazeker|akkoord|bevestigen",
  "tak|tak proszę|dobrze|zgoda|potwierdzam",
  "да|да пожалуйста|ага|хорошо|подтверждаю",
  "так|так будь ласка|добре|гаразд|підтверджую",
  "evet|evet lütfen|tamam|olur|onaylıyorum",
  "はい|はいお願いします|ええ|うん|お願いします|了解|オーケー",
  "是|是的|好|好的|对|可以|行|确认|确定|對|確認|確定",
  "네|예|네 그래요|응|그래|좋아요|확인",
  "نعم|أجل|حسنا|حسنًا|موافق|تمام",
  "हाँ|हां|जी हाँ|जी हां|जी|ठीक है",
];

const NO = [
  "no|no thanks|no thank you|nope|nah|cancel|stop|don't|do not",
  "nein|nein danke|nö|nee|abbrechen|lieber nicht",
  "non|non merci|annuler",
  "no gracias|cancelar",
  "no grazie|annulla",
  "não|não obrigado|não obrigada|nao",
  "nee bedankt|annuleren",
  "nie|nie dziękuję|anuluj",
  "нет|нет спасибо|не надо|отмена",
  "ні|ні дякую|не треба|скасувати",
  "hayır|hayır teşekkürler|iptal",
  "いいえ|いや|ううん|やめて|やめてください|キャンセル",
  "不|不是|不要|不用|不行|否|取消",
  "아니요|아니오|아니|취소|하지 마세요",
  "لا|لا شكرا|لا شكرًا|إلغاء",
  "नहीं|जी नहीं|मत करो|रद्द करें",
];

const answers = new Map([...entriesOf(YES, true), ...entriesOf(NO, false)]);

/** Longer texts say more than yes or no, and need not be folded. */
const LONGEST = 60;

/** What makes a question or a hesitation of a yes, such as `sure?` and `ok…`; by number, for the size of the bundle. */
const DOUBT = /[?¿\u061F]|([.\u3002]\s*){2}/u;

/**
 * What a message says that says nothing but yes or no, whatever its case, width, stops and exclamation marks; undefined for
 * every other, a question and an emoji included.
 */
export function readYesOrNo(text: string): boolean | undefined {
  return text.length > LONGEST || DOUBT.test(text.normalize("NFKC")) ? undefined : answers.get(fold(text));
}

function entriesOf(languages: readonly string[], meaning: boolean): (readonly [string, boolean])[] {
  return languages.flatMap((words) => words.split("|").map((word) => [fold(word), meaning] as const));
}

/** Its compatibility form (NFKC) in lower case, without stops, commas and exclamation marks; of i, ı, I and İ all are one. */
function fold(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .normalize("NFKC")
    .replaceAll(/\u0131|i\u0307/gu, "i")
    .replaceAll("’", "'")
    .replaceAll(/[\s.,!¡\u3002\u3001\u060C\u0964]+/gu, " ")
    .trim();
}
