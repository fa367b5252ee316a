import { beforeAll, describe, expect, it } from "vitest";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf } from "../support/person.ts";

let person: Person;

const rows = () => ownerQuery("select * from tasks where user_id = $1 order by id", [person.id]);

beforeAll(async () => {
  person = await Person.signUp();
});

describe("a body", () => {
  const post = (body: string, contentType = "application/json") =>
    person.send("/mcp/tools/create_task", { method: "POST", body, headers: { "Content-Type": contentType } });

  it.each(["{", "undefined", "{'title': 'a'}", '{"title": "a"} {}', "\u0000"])("of %j is refused", async (body) => {
    const response = await post(body);

    expect(response.status).toBe(400);
    expect((await problemOf(response)).detail).toBe("The body must be valid JSON.");
  });

  it.each(["[]", '"title"', "5", "true"])("of %s, which is no object, is refused", async (body) => {
    const response = await post(body);

    expect(response.status).toBe(400);
    expect(await problemOf(response)).toMatchObject({
      detail: "The input must be a JSON object",
      errors: [{ field: "", message: "must be a JSON object" }],
    });
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""])(
    "of the content type %j is refused",
    async (contentType) => {
      const response = await post('{"title":"a"}', contentType);

      expect(response.status).toBe(415);
      expect((await problemOf(response)).detail).toBe("Content-Type must be application/json.");
    },
  );

  it("may name its charset", async () => {
    expect((await post('{"title":"a"}', "Application/JSON; charset=utf-8")).status).toBe(200);
  });

  it.each(["/mcp/tools/create_task", "/mcp"])("that is not UTF-8 is refused, and not made so: %s", async (path) => {
    const latin1 = Uint8Array.from('{"title":"Caf\u00E9"}', (letter) => letter.charCodeAt(0));
    const before = await rows();
    const response = await person.send(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      rawBody: new Blob([latin1]).stream(),
    });

    expect(response.status).toBe(400);
    expect((await problemOf(response)).detail).toBe("The body must be UTF-8.");
    expect(await rows()).toEqual(before);
  });

  it.each([
    ["whose last letter is cut", (bytes: number[]) => bytes.slice(0, bytes.indexOf(0xc3) + 1)],
    ["with a byte that is no UTF-8", (bytes: number[]) => bytes.with(bytes.indexOf(0xc3), 0xff)],
  ])("%s is refused, and spoils no letter of the next one", async (_, spoil) => {
    const cut = await person.send("/mcp/tools/create_task", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      rawBody: Uint8Array.from(spoil([...new TextEncoder().encode('{"title":"Café"}')])),
    });
    const whole = await post('\u{FEFF}{"title":"Café"}');

    expect((await problemOf(cut)).detail).toBe("The body must be UTF-8.");
    expect(whole.status).toBe(200);
    expect(await whole.json()).toMatchObject({ tasks: [{ title: "Café" }] });
  });

  it("of 2 MiB is refused, and so is one that does not say how long it is", async () => {
    const large = JSON.stringify({ title: "a", description: "x".repeat(2 * 1024 * 1024) });
    const before = await rows();
    const declared = await post(large);
    const streamed = await person.send("/mcp/tools/create_task", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      rawBody: new Blob([large]).stream(),
    });

    for (const response of [declared, streamed]) {
      expect(response.status).toBe(413);
      expect((await problemOf(response)).detail).toBe("The body may have 262144 bytes at most.");
    }
    expect(await rows()).toEqual(before);
  });

  it.each([
    ["POST", "/api/auth/signup", 16],
    ["POST", "/api/auth/signin", 16],
    ["POST", "/api/auth/signout", 16],
    ["DELETE", "/api/auth/me", 16],
    ["POST", "/mcp/tools/create_task", 256],
    ["POST", "/mcp", 1024],
    ["POST", "/chat", 6 * 1024],
    ["POST", "/api/chat", 8 * 1024],
    ["PATCH", "/api/conversations/c", 16],
  ])("of %s %s may have %i KiB", async (method, path, kibibytes) => {
    const largest = kibibytes * 1024;
    const body = (length: number) => `{"messages":["${"x".repeat(length - 19)}",0]}`;
    // Read to its end, and then refused for what is in it.
    expect([400, 406]).toContain((await person.send(path, { method, body: body(largest) })).status);
    for (const rawBody of [undefined, new Blob([body(largest + 1)]).stream()]) {
      const response = await person.send(path, {
        method,
        ...(rawBody === undefined ? { body: body(largest + 1) } : { rawBody }),
        headers: { "Content-Type": "application/json" },
      });
      expect(response.status).toBe(413);
      expect((await problemOf(response)).detail).toBe(`The body may have ${largest} bytes at most.`);
    }
  });

  it("of useChat is looked into for its last message alone", async () => {
    const messages = ["x".repeat(2 * 1024 * 1024), { id: "m", role: "user", parts: [] }];
    const response = await person.send("/api/chat", { method: "POST", body: { id: "c", messages } });
    expect(response.status).toBe(400);
    expect((await problemOf(response)).errors).toEqual([
      { field: "text", message: "must be 1 to 10000 characters long" },
    ]);

    const large = await person.send("/api/chat", {
      method: "POST",
      body: { id: "c", messages: ["x".repeat(7 * 1024 * 1024)] },
    });
    expect(large.status).toBe(413);
    expect((await problemOf(large)).detail).toBe(
      "The last message, and what is beside messages, may have 6640984 characters at most.",
    );
  });

  it("cannot reach an object's prototype", async () => {
    const response = await post('{"title":"a","__proto__":{"status":"completed"}}');

    expect(response.status).toBe(400);
  });

  it("that is empty counts as an empty object", async () => {
    expect((await person.send("/mcp/tools/list_tasks", { method: "POST" })).status).toBe(200);
  });
});
