import * as z from "zod";
import { weekStartSchema } from "../auth/accounts.ts";
import { linkTokenSchema } from "../auth/link-token.ts";
import { passwordSchema } from "../auth/password.ts";
import { newTokenSchema } from "../auth/personal-tokens.ts";
import { line } from "../text.ts";

const emailSchema = z
  .string()
  .trim()
  .max(254, { abort: true })
  .refine((value) => z.email().safeParse(value).success, { error: "must be an e-mail address" });

/** The longest name that an account can have. */
export const LONGEST_NAME = 100;

const timeZoneSchema = z.string().max(64, { abort: true }).refine(isTimeZone, {
  error: "must be an IANA time zone such as Europe/Berlin",
});

/** The body of a sign-up. */
export const signUpSchema = z.strictObject({
  email: emailSchema,
  password: passwordSchema,
  name: line({ maximum: LONGEST_NAME }).optional(),
  time_zone: timeZoneSchema
    .optional()
    .meta({ description: "That of the connection where it is left out, or else UTC." }),
  week_start: weekStartSchema.default("monday"),
});

/**
 * The body of a sign-in. Whatever was typed is compared, so that password rules may change after an account was made.
 * An e-mail that no account can have is undefined: to Postgres, whose lower case is not JavaScript's, it might be
 * another's.
 */
export const signInSchema = z.strictObject({
  email: z
    .string()
    .trim()
    .max(254)
    .transform((typed) => emailSchema.safeParse(typed).data),
  password: z
    .string()
    .max(1000)
    .transform((password) => password.normalize("NFKC")),
});

const typedPasswordSchema = signInSchema.shape.password;

/** A password that confirms that the account's owner asks; confirm-owner.ts says who need not send one. */
const confirmation = typedPasswordSchema.optional().meta({
  description: "The account's password as it is. The session of another site that has just begun may do without.",
});

/** The body of a change of an account: what it does not name stays as it is. */
export const changeAccountSchema = z
  .strictObject({
    name: line({ maximum: LONGEST_NAME }).optional(),
    time_zone: timeZoneSchema.optional(),
    week_start: weekStartSchema.optional(),
    email: emailSchema.optional(),
    password: confirmation,
  })
  .refine(({ password: _, ...changed }) => Object.values(changed).some((value) => value !== undefined), {
    error: "must name what is to change: name, time_zone, week_start or email",
    when: ({ issues }) => issues.length === 0,
  });

/** The body of a change of the password. */
export const changePasswordSchema = z.strictObject({
  password: confirmation,
  new_password: passwordSchema,
  cut_off: z.boolean().default(false).meta({ description: "Whether clients and personal tokens end too." }),
});

/** The body of a request for a link to set a new password. */
export const forgottenPasswordSchema = z.strictObject({ email: emailSchema });

/** The body of a new password by a link. */
export const resetPasswordSchema = z.strictObject({ token: linkTokenSchema, new_password: passwordSchema });

/** The body of the confirmation of an e-mail by a link. */
export const confirmEmailSchema = z.strictObject({ token: linkTokenSchema });

/** The body that makes a personal token. */
export const makeTokenSchema = newTokenSchema.extend({ password: confirmation });

/** The body of a request to delete an account. */
export const deleteAccountSchema = z.strictObject({ password: confirmation });

/** The body of a sign-out. */
export const signOutSchema = z
  .strictObject({
    everywhere: z.boolean().default(false).meta({ description: "Whether every sign-in of the user ends." }),
    cut_off: z
      .boolean()
      .default(false)
      .meta({ description: "With everywhere: whether clients and personal tokens end too." }),
  })
  .refine(({ everywhere, cut_off }) => everywhere || !cut_off, {
    path: ["cut_off"],
    error: "goes with everywhere alone",
  });

/**
 * Whether a name means the same to JavaScript and to Postgres. An offset does not: Postgres reads its sign the other
 * way round. Nor do three letters: Postgres takes CET for its winter's offset, all year, and IST for Israel's.
 */
function isTimeZone(name: string): boolean {
  if (/^[+-]|^(?!UTC|GMT)[a-z]{3}$/i.test(name)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
