import { createHash } from "node:crypto";
import { ApplicationError } from "../../errors.ts";
import { listNames, quoteName } from "../../excerpt.ts";
import type { MessageImage } from "../stream/chat-message.ts";

/** How many images one message may have. */
export const MOST_IMAGES = 10;

const MEBIBYTE = 1024 * 1024;
const MOST_MEBIBYTES = 4;

/** How many characters the images of one message have in base64 at most. */
export const LONGEST_IMAGES = Math.ceil((MOST_MEBIBYTES * MEBIBYTE) / 3) * 4;

/** What is taken, in words: for errors, and for the description of the API. */
export const TAKEN_IMAGES = `up to ${MOST_IMAGES} images (PNG, JPEG, WebP or GIF) as data: URLs in base64, with ${MOST_MEBIBYTES} MiB together`;

/** What stands in a message for each image that came with it. */
const PHOTO = "[photo]";

/** What a file may be declared to be; what it is, its bytes tell. */
const DECLARED_TYPES = ["", "image", "image/*", "image/png", "image/jpeg", "image/jpg", "image/webp", "image/gif"];

/** By the bytes that a file begins with, each as one character. */
const SIGNATURES: readonly (readonly [type: string, isOne: (beginning: string) => boolean])[] = [
  ["image/png", (beginning) => beginning.startsWith("\u0089PNG\r\n\u001a\n")],
  ["image/jpeg", (beginning) => beginning.startsWith("\u00ff\u00d8\u00ff")],
  ["image/webp", (beginning) => beginning.startsWith("RIFF") && beginning.startsWith("WEBP", 8)],
  ["image/gif", (beginning) => beginning.startsWith("GIF87a") || beginning.startsWith("GIF89a")],
];
/** In base64: as many bytes as any signature has, and a few more. */
const SIGNATURE_LENGTH = 24;

/** How many characters may stand before an image's bytes. */
const LONGEST_HEAD = 200;

/** A file as it was sent with a message. */
export interface SentFile {
  /** As a person knows it. */
  readonly name: string;
  readonly mediaType?: string | undefined;
  readonly url?: string | undefined;
}

/**
 * Reads the files of a message, which may be images only. What one is, its bytes tell.
 *
 * @param field where they stand, for the error
 * @throws ApplicationError `invalid_input` that names each file that is no image, or says how many there are;
 * `payload_too_large`
 */
export function readImages(field: string, files: readonly SentFile[]): MessageImage[] {
  if (files.length > MOST_IMAGES) throw refused("invalid_input", field, [`there are ${files.length}`]);
  const faults: string[] = [];
  const images: MessageImage[] = [];
  for (const { name, ...file } of files) {
    const url = readImage(file);
    if (typeof url === "string") images.push({ url, digest: createHash("sha256").update(url).digest("hex") });
    else faults.push(`${quoteName(name)} ${url.fault}`);
  }
  if (faults.length > 0) throw refused("invalid_input", field, faults);
  const mebibytes = mebibytesOf(images);
  if (mebibytes > MOST_MEBIBYTES) {
    const names = listNames(files.map(({ name }) => name));
    const verb = files.length === 1 ? "has" : "have";
    throw refused("payload_too_large", field, [`${names} ${verb} ${Math.ceil(mebibytes * 10) / 10} MiB`]);
  }
  return images;
}

/** How many MiB the images have together. */
export function mebibytesOf(images: readonly MessageImage[]): number {
  return images.reduce((sum, { url = "" }) => sum + bytesIn(url.slice(url.indexOf(",") + 1)), 0) / MEBIBYTE;
}

/** What a message says, with a mark for each image: all that is kept of it, and shown later. */
export function textWithImages(text: string, images: readonly MessageImage[]): string {
  const marks = images.map(() => PHOTO).join(" ");
  return [text, marks].filter((part) => part.trim() !== "").join("\n");
}

/**
 * Whether a message has the same images as another with the same text. One without images counts as the same: a page sends
 * it so once the images are gone.
 */
export function hasImagesOf(
  { images: sent = [] }: { readonly images?: readonly MessageImage[] | undefined },
  { images: known = [] }: { readonly images?: readonly MessageImage[] | undefined },
): boolean {
  if (sent.length === 0) return true;
  return sent.length === known.length && sent.every(({ digest }, index) => digest === known[index]?.digest);
}

/** The `data:` URL of an image, with the type that it is, or what is wrong with it. */
function readImage({ mediaType = "", url = "" }: Pick<SentFile, "mediaType" | "url">): string | { fault: string } {
  const beginning = url.slice(0, LONGEST_HEAD);
  const comma = beginning.indexOf(",");
  // Never the whole of what has no head: the expression would run out of stack on megabytes.
  const head = comma < 0 ? beginning : beginning.slice(0, comma);
  const [, type = "", encoding = ""] = /^data:([^;,]*)(?:;[^;,]*)*?(;base64)?$/i.exec(head) ?? [];
  const declared = (type || mediaType).trim().toLowerCase();
  // A person is told what it is rather than how it was sent.
  if (!DECLARED_TYPES.includes(declared)) return { fault: `is ${quoteName(declared)}` };
  if (comma < 0 || !/^data:/i.test(url)) return { fault: "is not sent as a data: URL" };
  const base64 = url.slice(comma + 1);
  if (encoding === "" || !isBase64(base64)) return { fault: "is not in base64" };
  const bytes = atob(base64.slice(0, SIGNATURE_LENGTH));
  const [actual] = SIGNATURES.find(([, isOne]) => isOne(bytes)) ?? [];
  if (actual === undefined) return { fault: "is none of these by its bytes" };
  const actualHead = `data:${actual};base64,`;
  return url.startsWith(actualHead) ? url : actualHead + base64;
}

/** With its padding, and nothing else in it (RFC 4648 section 4). It is not decoded, as it may be long. */
function isBase64(text: string): boolean {
  return text !== "" && text.length % 4 === 0 && !/[^A-Za-z0-9+/]/.test(text.slice(0, -paddingOf(text) || undefined));
}

function bytesIn(base64: string): number {
  return (base64.length / 4) * 3 - paddingOf(base64);
}

function paddingOf(base64: string): number {
  if (base64.endsWith("==")) return 2;
  return base64.endsWith("=") ? 1 : 0;
}

function refused(kind: "invalid_input" | "payload_too_large", field: string, faults: readonly string[]) {
  const message = `takes ${TAKEN_IMAGES}: ${faults.join("; ")}`;
  return new ApplicationError(kind, `${field} ${message}. Nothing was changed.`, { fields: [{ field, message }] });
}
