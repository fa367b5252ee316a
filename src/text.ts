import * as z from "zod";

interface LineLimits {
  readonly maximum: number;
  /** Keeps it in Unicode's normalization form C, so that texts which look the same are the same. */
  readonly isComposed?: boolean;
}

interface TextLimits extends LineLimits {
  readonly minimum?: number;
}

/** How many UTF-16 units a character may come as, where it is composed: a letter with three marks. */
const LONGEST_DECOMPOSED = 4;

/** To compose takes the square of the length of a run of marks (Unicode, UAX #15, section 13). */
const STACKED_MARKS = /\p{M}{31}/u;

/**
 * Text as Postgres can keep it, its length counted in Unicode code points, as both `char_length` and
 * JSON Schema's `maxLength` count it. Refused: U+0000 and lone surrogates, which no UTF-8 database stores, and where it is
 * composed more than 30 marks on one character.
 */
export function text(limits: TextLimits) {
  return storable(z.string(), limits);
}

/** One line of text, trimmed, with something to see in it: a title, a name, a tag. */
export function line(limits: LineLimits) {
  return storable(
    z
      .string()
      .trim()
      .refine((value) => value === "" || /[^\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cc}]/u.test(value), {
        error: "must contain a visible character",
        abort: true,
      }),
    { minimum: 1, ...limits },
  ).refine((value) => !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value), {
    error: "must be one line without control characters",
  });
}

function storable(schema: z.ZodString, { minimum = 0, maximum, isComposed = false }: TextLimits) {
  const error = `must be ${minimum > 0 ? `${minimum} to ${maximum}` : `at most ${maximum}`} characters long`;
  const wellFormed = schema
    .refine((value) => !value.includes("\0"), { error: "must not contain the character U+0000", abort: true })
    .refine((value) => value.isWellFormed(), { error: "must be well-formed Unicode", abort: true });
  return (isComposed ? composed(wellFormed, LONGEST_DECOMPOSED * maximum, error) : wellFormed)
    .refine((value) => isLengthBetween(value, minimum, maximum), { error, abort: true })
    .meta({ ...(minimum > 0 && { minLength: minimum }), maxLength: maximum });
}

function composed(schema: z.ZodString, longest: number, error: string) {
  return schema
    .refine((value) => value.length <= longest, { error, abort: true })
    .refine((value) => !STACKED_MARKS.test(value), {
      error: "must not have more than 30 marks on one character",
      abort: true,
    })
    .overwrite((value) => value.normalize("NFC"));
}

function isLengthBetween(value: string, minimum: number, maximum: number): boolean {
  // A code point is at most two UTF-16 units, so a far longer text need not be counted.
  if (value.length > 2 * maximum) return false;
  const codePoints = Array.from(value).length;
  return codePoints >= minimum && codePoints <= maximum;
}
