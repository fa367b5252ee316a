import type * as z from "zod";
import { type ApplicationError, refusedField } from "./errors.ts";
import { parseJson } from "./json.ts";
import { isSigned, type SigningPurpose, type SigningSecrets, sign } from "./signature.ts";
import { text } from "./text.ts";

// A cursor is `<place>.<signature>`: the place in a list after which the next page begins, JSON in base64url, and an
// HMAC over it and what was listed for whom. Which release writes and reads what:
// - The releases before wrote the place alone, each list in a form of its own, and read nothing else.
// - This one reads both, and signs unless SIGN_CURSORS is off. wrangler.toml has it off where releases are rolled out
//   gradually, as the release before would refuse what this one has signed.
// - The next one may sign always: SIGN_CURSORS goes, here, in config.ts and in wrangler.toml, and so does `write` of
//   `UnsignedCursors`.
// - The one after that may read signed cursors alone: the rest of `UnsignedCursors` goes.

/** What cursors are signed with, and whether they are. */
export interface CursorSettings extends SigningSecrets {
  readonly SIGN_CURSORS: "on" | "off";
}

/** A row's place in a list: the values by which the list is ordered. */
export type Place = readonly (string | number)[];

/** How the release before writes and reads the cursors of a list. */
export interface UnsignedCursors {
  readonly write: (place: Place) => string;
  /** @returns the place, unchecked; undefined for what is no such cursor */
  readonly read: (cursor: string) => unknown;
}

/** A list that a user has asked for, and gets page by page. */
export interface PagedList<ListPlace extends Place> {
  readonly name: "tasks" | "conversations" | "messages";
  readonly userId: number;
  /** Filters and order: a cursor goes on in no list but the one that it was made for. What is undefined does not count. */
  readonly asked: Readonly<Record<string, unknown>>;
  readonly place: z.ZodType<ListPlace>;
  /** Undefined for a list whose cursors the release before does not know. */
  readonly unsigned?: UnsignedCursors;
}

const SIGNED: SigningPurpose = { purpose: "cursor", bytes: 16 };

/** A cursor as a client sends it: the longest is after a message whose id, chosen by a client, has 100 emoji. */
export const cursorSchema = text({ minimum: 1, maximum: 600 });

/** The cursor with which a list goes on after a place. */
export function writeCursor<ListPlace extends Place>(
  list: PagedList<ListPlace>,
  place: NoInfer<ListPlace>,
  settings: CursorSettings,
): string {
  if (settings.SIGN_CURSORS === "off" && list.unsigned !== undefined) return list.unsigned.write(place);
  const encoded = encodePlace(place);
  return `${encoded}.${sign(signedText(list, encoded), SIGNED, settings)}`;
}

/**
 * Reads the place after which a list goes on.
 *
 * @throws ApplicationError `invalid_input` for a cursor that `writeCursor` has not made for this very list
 */
export function readCursor<ListPlace extends Place>(
  list: PagedList<ListPlace>,
  cursor: string,
  secrets: SigningSecrets,
): ListPlace {
  const place = findPlace(list, cursor, secrets);
  if (place === undefined) throw strangeCursor();
  return place;
}

/** As `readCursor`; undefined for a cursor that is none of this list. */
export function findPlace<ListPlace extends Place>(
  list: PagedList<ListPlace>,
  cursor: string,
  secrets: SigningSecrets,
): ListPlace | undefined {
  const [, encoded, signature] = /^([\w-]+)\.([\w-]{22})$/.exec(cursor) ?? [];
  const isUnsigned = encoded === undefined || signature === undefined;
  const isOurs = isUnsigned || isSigned(signedText(list, encoded), signature, SIGNED, secrets);
  const place = isUnsigned ? list.unsigned?.read(cursor) : decodePlace(encoded);
  const read = list.place.safeParse(place);
  return isOurs && read.success ? read.data : undefined;
}

/** The error about a cursor that leads nowhere in this list. */
export function strangeCursor(): ApplicationError {
  const message =
    "must be the next_cursor of the page before, with the same filters and order; without it the list begins anew";
  return refusedField("invalid_input", "cursor", message);
}

/** JSON in base64url. */
export function encodePlace(place: Place): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** @returns undefined for what is no JSON in base64url */
export function decodePlace(encoded: string): unknown {
  try {
    return parseJson(Buffer.from(encoded, "base64url").toString(), "cursor");
  } catch {
    return undefined;
  }
}

function signedText<ListPlace extends Place>({ name, userId, asked }: PagedList<ListPlace>, encoded: string): string {
  const filters = Object.keys(asked)
    .filter((filter) => asked[filter] !== undefined)
    .toSorted()
    .map((filter) => [filter, inOneOrder(asked[filter])]);
  return JSON.stringify([name, userId, filters, encoded]);
}

/** Of the items of a filter, such as tags, the order makes no difference. */
function inOneOrder(value: unknown): unknown {
  return Array.isArray(value) ? value.toSorted() : value;
}
