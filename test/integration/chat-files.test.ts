import { describe, expect, test, vi } from "vitest";
import { filePart, imageUrl, MOST_GROUPS, PHOTO, postFiles } from "../support/chat-images.ts";
import { Person, problemOf } from "../support/person.ts";

const TAKEN = "takes up to 10 images (PNG, JPEG, WebP or GIF) as data: URLs in base64, with 4 MiB together";

describe("what is no such image is refused by its name, and changes nothing", () => {
  test.each<[string, object[], string, number?]>([
    [
      "a PDF",
      [filePart("data:application/pdf;base64,JVBERi0x", { filename: "bill.pdf" })],
      'bill.pdf is "application/pdf"',
    ],
    [
      "a recording",
      [filePart("data:audio/mpeg;base64,AAAA", { mediaType: "audio/mpeg" })],
      '"audio/mpeg" is "audio/mpeg"',
    ],
    [
      "an address",
      [filePart("https://example.com/a,b.jpg", { filename: "a.jpg" })],
      "a.jpg is not sent as a data: URL",
    ],
    [
      "megabytes of what could be a head",
      [filePart(`data:${";".repeat(6_000_000)}`, { filename: "a" })],
      "a is not sent as a data: URL",
    ],
    ["a file without an address", [{ type: "file", filename: "a.jpg" }], "a.jpg is not sent as a data: URL"],
    ["a drawing", [filePart("data:image/svg+xml;base64,PHN2Zz4=", { filename: "a.svg" })], 'a.svg is "image/svg+xml"'],
    [
      "a PDF that says it is an image",
      [filePart("data:image/png;base64,JVBERi0x", { filename: "a.png" })],
      "a.png is none of these by its bytes",
    ],
    ["characters that are no base64", [filePart(`${PHOTO}AA-_`, { filename: "a" })], "a is not in base64"],
    ["half a group of base64", [filePart(`${PHOTO}AA`, { filename: "a" })], "a is not in base64"],
    ["padding in the middle", [filePart(`${PHOTO}A===`, { filename: "a" })], "a is not in base64"],
    ["an image in its bytes", [filePart("data:image/png,%89PNG", { filename: "a" })], "a is not in base64"],
    ["nothing", [filePart("data:image/png;base64,", { filename: "a" })], "a is not in base64"],
    ["a part of another type", [{ type: "image", image: PHOTO }], '"part of type image" is not sent as a data: URL'],
    [
      "one of two",
      [filePart(PHOTO), filePart("data:text/plain;base64,AAAA", { filename: "notes.txt" })],
      'notes.txt is "text/plain"',
    ],
    [
      "two that are none",
      [filePart("x", { filename: "a" }), filePart("y", { filename: "b" })],
      "a is not sent as a data: URL; b is not sent as a data: URL",
    ],
    ["eleven", Array(11).fill(filePart(PHOTO)), "there are 11"],
    [
      "one of more than 4 MiB",
      [filePart(imageUrl("image/png", { groups: MOST_GROUPS + 1 }), { filename: "list.png" })],
      "list.png has 4.1 MiB",
      413,
    ],
    [
      "more than 4 MiB",
      [filePart(PHOTO, { filename: "a" }), filePart(imageUrl("image/png", { groups: MOST_GROUPS }), { filename: "b" })],
      "a, b have 4.1 MiB",
      413,
    ],
  ])("%s", async (_, files, fault, status = 400) => {
    const person = await Person.signUp();
    const response = await postFiles(person, "Look", files);
    expect(response.status).toBe(status);
    const { detail, errors } = await problemOf(response);
    expect(detail).toBe(`messages ${TAKEN}: ${fault}. Nothing was changed.`);
    expect(errors?.[0]?.field).toBe("messages");
    expect((await person.send("/api/conversations/c")).status).toBe(404);
  });

  test.each<[string, object, string]>([
    [
      "an address",
      { images: ["https://example.com/a.jpg"] },
      `images ${TAKEN}: images.0 is not sent as a data: URL. Nothing was changed.`,
    ],
    ["eleven", { images: Array(11).fill(PHOTO) }, "images must have at most 10 items"],
    ["none", { images: [] }, "images must have at least 1 item"],
    [
      "an image beside an answer",
      { images: [PHOTO], approval: { id: crypto.randomUUID(), approved: true } },
      "images cannot stand beside approval; send one of the two",
    ],
  ])("POST /chat with %s", async (_, body, detail) => {
    const person = await Person.signUp();
    const response = await person.send("/chat", { method: "POST", body });
    expect(response.status).toBe(400);
    expect((await problemOf(response)).detail).toBe(detail);
  });

  test("a last message that is longer than one with images may be", async () => {
    const person = await Person.signUp();
    const response = await postFiles(person, "Look", [filePart(imageUrl("image/png", { groups: 1_700_000 }))]);
    expect(response.status).toBe(413);
    expect((await problemOf(response)).detail).toMatch(
      /^The last message, and what is beside messages, may have \d+ char/,
    );
  });
});

test.each([
  ["says how short it is", new FixedLengthStream(100)],
  ["does not say how long it is", new TransformStream<Uint8Array>()],
])("a body is waited for a minute at most that %s", async (_, { readable, writable }) => {
  const person = await Person.signUp();
  const wait = globalThis.setTimeout;
  // Nobody waits for a minute here.
  const timers = vi
    .spyOn(globalThis, "setTimeout")
    .mockImplementation((callback, time) => wait(callback, time === 60_000 ? 10 : time));
  const headers = { "Content-Type": "application/json" };
  const answering = person.send("/chat", { method: "POST", rawBody: readable, headers });
  const writer = writable.getWriter();
  await writer.write(new TextEncoder().encode('{"message": "'));
  const response = await answering.finally(() => timers.mockRestore());
  expect(response.status).toBe(400);
  expect((await problemOf(response)).detail).toBe("The body took longer than 60 seconds; nothing was changed.");
  await writer.close().catch(() => undefined);
});

test("no more large messages are read at once than there is memory for", async () => {
  const person = await Person.signUp();
  const piece = new TextEncoder().encode(`{"images": ["${imageUrl("image/png", { groups: MOST_GROUPS })}`);
  const connections = Array.from({ length: 4 }, () => new TransformStream<Uint8Array>());
  const writers = connections.map(({ writable }) => writable.getWriter());
  const headers = { "Content-Type": "application/json" };
  const reading = connections.map(({ readable }) =>
    person.send("/chat", { method: "POST", rawBody: readable, headers }),
  );
  await Promise.all(writers.map((writer) => writer.write(piece)));
  // It is taken when what came before it has been read.
  await Promise.all(writers.map((writer) => writer.write(new TextEncoder().encode("A"))));
  const images = [imageUrl("image/png", { groups: MOST_GROUPS })];
  const more = () => person.send("/chat", { method: "POST", body: { user_id: 0, images } });
  const refused = await more();
  expect(refused.status).toBe(429);
  expect(refused.headers.get("Retry-After")).toBe("5");
  expect((await problemOf(refused)).detail).toMatch(/^Too many large messages are being read at this moment\./);
  for (const writer of writers) await writer.close();
  for (const response of reading) expect((await response).status).toBe(400);
  expect((await more()).status).toBe(403);
});
