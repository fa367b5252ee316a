import { createHash, randomBytes } from "node:crypto";
import * as z from "zod";

/** What a link may be for, and the path of the page that it opens. */
const paths = { reset_password: "/account/reset-password", change_email: "/account/confirm-email" } as const;

/** What a link is for. */
export type LinkKind = keyof typeof paths;

/** The path of the page that asks for a link to set a new password. */
export const FORGOTTEN_PASSWORD_PATH = "/account/forgotten-password";

/** The path of the page that a link opens, to which the page's form is sent too. */
export function pathOf(kind: LinkKind): string {
  return paths[kind];
}

/** For how many minutes a link may be used: drizzle/0017_account_links.sql holds it. */
export const LINK_MINUTES = 30;

const TOKEN_BYTES = 32;

/** The token of a link as somebody sends it. */
export const linkTokenSchema = z.string().regex(/^[\w-]{43}$/, { error: "must be the token of a link" });

/** A link before it is sent: its token, which stands nowhere but in it, and the hash that the database keeps of it. */
export interface NewLink {
  readonly token: string;
  readonly hash: string;
}

/** Makes a token that nobody can guess. */
export function makeLink(): NewLink {
  const token = randomBytes(TOKEN_BYTES).toString("base64url");
  return { token, hash: hashOf(token) };
}

/** What the database knows a link by. */
export function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

/** The URL of a link. */
export function linkUrl(baseUrl: string, kind: LinkKind, { token }: Pick<NewLink, "token">): string {
  return `${baseUrl}${paths[kind]}?token=${token}`;
}
