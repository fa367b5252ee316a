import type { Person } from "./person.ts";

/** What images begin with, each byte as one character. */
const BEGINNINGS = {
  "image/png": "\u0089PNG\r\n\u001a\n----",
  "image/jpeg": "\u00ff\u00d8\u00ff\u00e0--------",
  "image/webp": "RIFF----WEBP",
  "image/gif": "GIF89a------",
};
export type ImageType = keyof typeof BEGINNINGS;

/** A `data:` URL of something that begins as an image does, with so many groups of three bytes behind it. */
export function imageUrl(type: ImageType, { declared = type as string, groups = 1, group = "AAAA" } = {}): string {
  return `data:${declared};base64,${btoa(BEGINNINGS[type])}${group.repeat(groups)}`;
}

/** A photo, and another. */
export const PHOTO = imageUrl("image/jpeg");
export const OTHER_PHOTO = imageUrl("image/jpeg", { group: "BBBB" });
/** How many groups of three bytes an image of 4 MiB has behind its beginning. */
export const MOST_GROUPS = (4 * 1024 * 1024 - 12) / 3;

/** A file as `useChat` sends it. */
export const filePart = (url: string, more: object = {}) => ({ type: "file", mediaType: "image/jpeg", url, ...more });

/** Posts a message with files as `useChat` does. */
export function postFiles(
  person: Person,
  text: string,
  files: readonly object[],
  more: object = {},
): Promise<Response> {
  const parts = [...(text === "" ? [] : [{ type: "text", text }]), ...files];
  return person.send("/api/chat", {
    method: "POST",
    body: { id: "c", messages: [{ id: "1", role: "user", parts }], trigger: "submit-message", ...more },
  });
}
