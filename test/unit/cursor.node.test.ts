import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type PagedList, readCursor, writeCursor } from "../../src/cursor.ts";

const older = "the older secret, 32 characters and more";
const newer = "the newer secret, 32 characters and more";
const signed = { JWT_SECRET: newer, SIGN_CURSORS: "on" } as const;

const list: PagedList<readonly [number]> = {
  name: "tasks",
  userId: 7,
  asked: { order: "created", tags: undefined },
  place: z.tuple([z.int()]).readonly(),
  unsigned: { write: ([id]) => `old:${id}`, read: (cursor) => [Number(/^old:(\d+)$/.exec(cursor)?.[1])] },
};

describe("a cursor", () => {
  it("is taken with the secret before while secrets are rotated, and not after that", () => {
    const cursor = writeCursor(list, [12], { ...signed, JWT_SECRET: older });

    expect(readCursor(list, cursor, { JWT_SECRET: newer, JWT_SECRET_PREVIOUS: older })).toEqual([12]);
    expect(() => readCursor(list, cursor, signed)).toThrow("cursor must be the next_cursor of the page before");
  });

  it("is as the release before reads it where SIGN_CURSORS is off, and signed ones are read there", () => {
    expect(writeCursor(list, [12], { ...signed, SIGN_CURSORS: "off" })).toBe("old:12");
    expect(readCursor(list, writeCursor(list, [12], signed), signed)).toEqual([12]);
    expect(readCursor(list, "old:12", signed)).toEqual([12]);
  });

  it.each<[string, Partial<PagedList<readonly [number]>>]>([
    ["user", { userId: 8 }],
    ["list", { name: "conversations" }],
    ["filter", { asked: { order: "created", tags: ["a"] } }],
  ])("of another %s is refused", (_, other) => {
    expect(() => readCursor({ ...list, ...other }, writeCursor(list, [12], signed), signed)).toThrow("must be the");
  });

  it.each(["", ".", "WzEyXQ", "WzEyXQ.", "WzEyXQ.AAAAAAAAAAAAAAAAAAAAAA", "WzEyXQ.AAAA"])("%j is refused", (cursor) => {
    expect(() => readCursor(list, cursor, signed)).toThrow("must be the next_cursor");
  });
});
