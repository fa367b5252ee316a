import { env, runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { holdImages, MOST_HELD_IMAGES } from "../../src/chat/conversation/held-images.ts";
import {
  filePart,
  type ImageType,
  imageUrl,
  MOST_GROUPS,
  OTHER_PHOTO,
  PHOTO,
  postFiles,
} from "../support/chat-images.ts";
import { chat, questionOf, titlesOf } from "../support/chatting.ts";
import { chunksOf } from "../support/event-streams.ts";
import { ownerQuery } from "../support/owner.ts";
import { PATIENCE } from "../support/patience.ts";
import { Person } from "../support/person.ts";
import { calls, Script, says } from "../support/scripted-model.ts";

const contentSchema = z.array(
  z.looseObject({ type: z.string(), text: z.string().optional(), image_url: z.string().optional() }),
);

/** What the model was shown of the person's messages: their words, then their images. */
async function shown(script: Script, request = -1): Promise<string[][]> {
  const { requests } = await script.record();
  return (requests.at(request)?.input ?? []).flatMap((item) => {
    if (!("role" in item) || item.role !== "user") return [];
    return [
      contentSchema
        .parse(item.content)
        .slice(1)
        .map(({ text, image_url }) => image_url ?? text ?? ""),
    ];
  });
}

async function contentsOf(person: Person): Promise<unknown[]> {
  const rows = await ownerQuery("select content from messages where user_id = $1 and role = 'user' order by seq", [
    person.id,
  ]);
  return rows.map(({ content }) => content);
}

const digest = expect.stringMatching(/^[0-9a-f]{64}$/);

describe("a message with an image", () => {
  test("is shown to the model in every round of its turn, and is [photo] after that", async () => {
    const person = await Person.signUp();
    const script = await Script.write([
      calls(["create_task", { title: "Milk" }], ["create_task", { title: "Eggs" }]),
      says("Added both."),
    ]);
    const text = `Add these ${script.mark}`;
    await chunksOf(await postFiles(person, text, [filePart(PHOTO, { filename: "list.jpg" })]));
    expect(await titlesOf(person)).toEqual(["Milk", "Eggs"]);
    for (const round of [0, 1]) expect(await shown(script, round)).toEqual([[`${text}\n[photo]`, PHOTO]]);

    expect(await contentsOf(person)).toEqual([[{ type: "text", id: "0", text: `${text}\n[photo]`, images: [digest] }]]);
    const stored = await (await person.send("/api/conversations/c")).json();
    expect(stored).toMatchObject({ messages: [{ parts: [{ type: "text", text: `${text}\n[photo]` }] }, {}] });
    const later = await Script.write([says("Two.")]);
    const next = await chat(person, { message: `How many? ${later.mark}`, conversation_id: "c" });
    expect(next.response).toBe("Two.");
    expect(await shown(later)).toEqual([[`${text}\n[photo]`], [`How many? ${later.mark}`]]);
    expect(JSON.stringify((await later.record()).requests)).not.toContain("base64");
  });

  test("may be four kinds of image, and no words, and an image is what its bytes are", async () => {
    const person = await Person.signUp();
    const script = await Script.write([says("I see.")]);
    const images = [
      imageUrl("image/png", { declared: "image/jpg" }),
      imageUrl("image/jpeg", { declared: "Image/JPEG;name=a" }),
      imageUrl("image/webp"),
      imageUrl("image/gif", { declared: "" }),
    ];
    const { conversation_id } = await chat(person, { message: `Look ${script.mark}`, images });
    const types: ImageType[] = ["image/png", "image/jpeg", "image/webp", "image/gif"];
    const actual = types.map((type) => imageUrl(type));
    expect(await shown(script)).toEqual([[`Look ${script.mark}\n[photo] [photo] [photo] [photo]`, ...actual]]);

    // Without words there is no script, and so no answer.
    await chat(person, { images: [PHOTO], conversation_id });
    await postFiles(person, "", [filePart(PHOTO)]);
    expect((await contentsOf(person)).slice(1)).toEqual(
      Array(2).fill([{ type: "text", id: "0", text: "[photo]", images: [digest] }]),
    );
  });

  test("may have 4 MiB, which cost no tokens by their characters", async () => {
    const person = await Person.signUp();
    const url = imageUrl("image/png", { groups: MOST_GROUPS });
    const ends = {
      events: [
        { type: "response.output_text.delta", delta: "Big." },
        { type: "response.completed", response: {} },
      ],
    };
    const script = await Script.write([ends], { repeats: true });
    const { usage } = await chat(person, { message: `Look ${script.mark}`, images: [url] });
    expect(usage.input_tokens).toBeLessThan(10_000);
    await chunksOf(await postFiles(person, `Look ${script.mark}`, [filePart(url)]));
    expect((await shown(script))[0]?.[1]).toBe(url);
  });

  test("counts as more messages, one for each MiB", async () => {
    const person = await Person.signUp();
    const images = [imageUrl("image/png", { groups: MOST_GROUPS })];
    for (let sent = 0; sent < 26; sent += 1) {
      expect((await person.send("/chat", { method: "POST", body: {} })).status).toBe(400);
    }
    const response = await person.send("/chat", { method: "POST", body: { images } });
    expect(response.status).toBe(429);
    expect(await contentsOf(person)).toEqual([]);
  });
});

test("is refused while the images of all turns are as many as an isolate can hold; words are not", async () => {
  const person = await Person.signUp();
  const script = await Script.write([says("Words."), says("Seen.")]);
  const message = `Look ${script.mark}`;
  const release = holdImages([{ digest: "", url: "x".repeat(MOST_HELD_IMAGES) }]);
  try {
    const refused = await person.send("/chat", { method: "POST", body: { message, images: [PHOTO] } });
    expect(refused.status).toBe(429);
    expect(refused.headers.get("Retry-After")).toBe("5");
    expect(await contentsOf(person)).toEqual([]);
    expect((await chat(person, { message })).response).toBe("Words.");
  } finally {
    release();
  }
  expect((await chat(person, { message, images: [PHOTO] })).response).toBe("Seen.");
  // It holds nothing once it is answered.
  holdImages([{ digest: "", url: "x".repeat(MOST_HELD_IMAGES) }])();
});

describe("a message with an image that is sent again", () => {
  test("with the same image, or as a page shows it later, gets the answer that it has", async () => {
    const person = await Person.signUp();
    const script = await Script.write([says("Seen."), says("Seen anew.")]);
    const text = `Look ${script.mark}`;
    const first = await chunksOf(await postFiles(person, text, [filePart(PHOTO)]));
    const texts = [first];
    texts.push(await chunksOf(await postFiles(person, text, [filePart(PHOTO)])));
    texts.push(await chunksOf(await postFiles(person, `${text}\n[photo]`, [])));
    for (const chunks of texts) expect(JSON.stringify(chunks)).toContain("Seen.");
    expect((await script.record()).requests).toHaveLength(1);

    await chunksOf(await postFiles(person, text, [filePart(OTHER_PHOTO)]));
    expect(await shown(script)).toEqual([[`${text}\n[photo]`, OTHER_PHOTO]]);
    expect((await script.record()).requests).toHaveLength(2);
  });

  test("with another image is another message, for which a key is not meant", async () => {
    const person = await Person.signUp();
    const script = await Script.write([says("Seen.")]);
    const body = { message: `Look ${script.mark}`, message_id: "k" };
    const first = await chat(person, { ...body, images: [PHOTO] });
    expect(await chat(person, { ...body, images: [PHOTO] })).toEqual(first);
    const other = await person.send("/chat", { method: "POST", body: { ...body, images: [OTHER_PHOTO] } });
    expect(other.status).toBe(409);
    expect((await script.record()).requests).toHaveLength(1);
  });

  test("to be answered anew is shown with its image, or without where the page has it no more", async () => {
    const person = await Person.signUp();
    const script = await Script.write([says("One."), says("Two."), says("Three.")]);
    const text = `Look ${script.mark}`;
    const anew = { trigger: "regenerate-message" };
    await chunksOf(await postFiles(person, text, [filePart(PHOTO)]));
    await chunksOf(await postFiles(person, text, [filePart(PHOTO)], anew));
    expect(await shown(script)).toEqual([[`${text}\n[photo]`, PHOTO]]);
    await chunksOf(await postFiles(person, `${text}\n[photo]`, [], anew));
    expect(await shown(script)).toEqual([[`${text}\n[photo]`]]);
    // It is the same message all the same.
    expect(JSON.stringify(await chunksOf(await postFiles(person, text, [filePart(PHOTO)])))).toContain("Three.");
  });
});

test("a turn that waits for approval goes on without the image", async () => {
  const person = await Person.signUp();
  const { id } = await person.runForTask("create_task", { title: "Eggs" });
  const script = await Script.write([calls(["delete_task", { task_id: id }]), says("Deleted.")]);
  const asking = await chat(person, { message: `Delete what is crossed out ${script.mark}`, images: [PHOTO] });
  const { conversation_id } = asking;
  const approval = { id: questionOf(asking).id, approved: true };
  expect((await chat(person, { conversation_id, approval })).response).toBe("Deleted.");
  expect(await shown(script, 0)).toEqual([[expect.stringContaining("[photo]"), PHOTO]]);
  expect(await shown(script, 1)).toEqual([[expect.stringContaining("[photo]")]]);
  expect(await titlesOf(person)).toEqual([]);
});

test("a yes with an image is no yes", async () => {
  const person = await Person.signUp();
  const { id } = await person.runForTask("create_task", { title: "Eggs" });
  const script = await Script.write([calls(["delete_task", { task_id: id }])]);
  const { conversation_id } = await chat(person, { message: `Delete eggs ${script.mark}` });
  await chat(person, { message: "yes", images: [PHOTO], conversation_id });
  expect(await titlesOf(person)).toEqual(["Eggs"]);
});

test("a turn that a restart cuts off has kept nothing of the image, and is answered with it when it is sent again", async () => {
  const person = await Person.signUp();
  const script = await Script.write([{ hang: true }, says("Seen.")]);
  const text = `Look ${script.mark}`;
  const cutOff = postFiles(person, text, [filePart(PHOTO)]).then(chunksOf);
  await vi.waitFor(async () => expect((await script.record()).requests).toHaveLength(1), PATIENCE);
  const object = env.CHAT_CONVERSATIONS.getByName(`${person.id}/c`);
  const kept = await runInDurableObject(object, async (_, { storage }) => JSON.stringify([...(await storage.list())]));
  expect(kept).toContain("unfinished_turn");
  expect(kept).not.toContain("base64");
  await runInDurableObject(object, (_, state) => state.abort("restarted")).catch(() => undefined);
  await cutOff;
  const again = await chunksOf(await postFiles(person, text, [filePart(PHOTO)]));
  expect(JSON.stringify(again)).toContain("Seen.");
  expect(await shown(script)).toEqual([[`${text}\n[photo]`, PHOTO]]);
});

describe("a model that does not take the image", () => {
  const sentence =
    "The model did not take the image: it cannot look at any, or not at this one. Say it in words, or send another.";
  const refuses = (status: number, message: string) => ({ status, body: { error: { message } } });

  test.each([
    ["refuses the request", refuses(400, "sk-secret")],
    ["has nowhere to send it", refuses(404, "No endpoints found that support image input")],
    [
      "fails for it",
      { events: [{ type: "response.failed", response: { error: { code: "invalid_image", message: "sk-secret" } } }] },
    ],
  ])("%s: the person is told so, and goes on in words", async (_, step) => {
    const person = await Person.signUp();
    const script = await Script.write([step]);
    const answer = await chat(person, { message: `Look ${script.mark}`, images: [PHOTO] });
    expect(answer).toMatchObject({ response: sentence, error: { kind: "unavailable" } });
    const next = await Script.write([says("Milk.")]);
    const { conversation_id } = answer;
    const words = await chat(person, { message: `Milk ${next.mark}`, conversation_id });
    expect(words.response).toBe("Milk.");
  });

  test("but another failure, or one without an image, is told as ever", async () => {
    const person = await Person.signUp();
    const long = { status: 400, body: { error: { code: "context_length_exceeded", message: "image" } } };
    const script = await Script.write([long]);
    const { response } = await chat(person, { message: `Look ${script.mark}`, images: [PHOTO] });
    expect(response).toBe("The conversation is too long for the model; begin a new one.");
    const other = await Script.write([refuses(400, "no image here")]);
    expect((await chat(person, { message: `Hi ${other.mark}` })).response).toMatch(
      /^The model refused the request \(400\)/,
    );
  });
});
