import * as z from "zod";

interface TextLimits {
  readonly minimum?: number;
  readonly maximum: number;
}

/**
 * Text as Postgres can keep it, its length counted in Unicode code points, as both `char_length` and
 * JSON Schema's `maxLength` count it. Refused: U+0000 and lone surrogates, which no UTF-8 database stores.
 */
export function text(limits: TextLimits) {
  return storable(z.string(), limits);
}

/** One line of text, trimmed, with something to see in it: a title, a name, a tag. */
export function line({ maximum }: { readonly maximum: number }) {
  return storable(
    z
      .string()
      .trim()
      .refine((value) => value === "" || /[^\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cc}]/u.test(value), {
        error: "must contain a visible character",
        abort: true,
      }),
    { minimum: 1, maximum },
  ).refine((value) => !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value), {
    error: "must be one line without control characters",
  });
}

function storable(schema: z.ZodString, { minimum = 0, maximum }: TextLimits) {
  const range = minimum > 0 ? `${minimum} to ${maximum}` : `at most ${maximum}`;
  return schema
    .refine((value) => !value.includes("\0"), { error: "must not contain the character U+0000", abort: true })
    .refine((value) => value.isWellFormed(), { error: "must be well-formed Unicode", abort: true })
    .refine((value) => isLengthBetween(value, minimum, maximum), {
      error: `must be ${range} characters long`,
      abort: true,
    })
    .meta({ ...(minimum > 0 && { minLength: minimum }), maxLength: maximum });
}

function isLengthBetween(value: string, minimum: number, maximum: number): boolean {
  // A code point is at most two UTF-16 units, so a far longer text need not be counted.
  if (value.length > 2 * maximum) return false;
  const codePoints = Array.from(value).length;
  return codePoints >= minimum && codePoints <= maximum;
}
