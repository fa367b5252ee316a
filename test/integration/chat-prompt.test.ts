import { env } from "cloudflare:workers";
import { lte } from "drizzle-orm";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { ResponsesRequest } from "../../local/responses-api.ts";
import { verifyToken } from "../../src/auth/token.ts";
import { selectHistory } from "../../src/chat/conversation/turn-queries.ts";
import { readConfiguration } from "../../src/config.ts";
import { messages } from "../../src/database/chat-schema.ts";
import { openDatabase } from "../../src/database/database.ts";
import { chat, makeTasks, questionOf } from "../support/chatting.ts";
import { ownerQuery } from "../support/owner.ts";
import { ORIGIN, Person } from "../support/person.ts";
import { calls, Script, says } from "../support/scripted-model.ts";
import type { ScriptStep } from "../support/scripted-responses.ts";

/** Arguments in an order that jsonb does not keep, with the spaces that models write. */
const WRITTEN = '{"title": "Buy oat milk", "priority": "high", "due": "2026-12-05", "tags": ["groceries"]}';

/** Few, so that no budget ends a long conversation. */
const tokens = { input: 10, output: 1 };
const adds: ScriptStep = { output: [{ type: "call", name: "create_task", arguments: WRITTEN }], tokens };
const answers = (text: string): ScriptStep => ({ output: [{ type: "text", text }], tokens });

/** A request as the provider caches it, from its beginning: tools, instructions, then what was said. */
function promptOf({ tools, instructions, input }: ResponsesRequest): string {
  return JSON.stringify([tools, instructions, input]);
}

function commonPrefix(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return length;
}

/** How much of a request the one before it had already, from 0 to 1. */
function shareOf(before: ResponsesRequest, after: ResponsesRequest): number {
  const prompt = promptOf(after);
  return commonPrefix(promptOf(before), prompt) / prompt.length;
}

/** The kinds of what the model was shown, in its order. */
function kindsOf({ input }: ResponsesRequest): string[] {
  return input.map((item) => ("role" in item ? item.role : item.type));
}

afterEach(() => {
  vi.useRealTimers();
});

/** The requests to the model of a conversation of so many turns, minutes apart, those of each turn by themselves. */
async function converse(turns: number): Promise<ResponsesRequest[][]> {
  const person = await Person.signUp();
  const asked: ResponsesRequest[][] = [];
  let conversation_id: string | undefined;
  for (let turn = 1; turn <= turns; turn += 1) {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3 * 60_000 });
    const script = await Script.write([adds, answers("Added “Buy oat milk”, due on Saturday the fifth of December.")]);
    const answer = await chat(person, {
      message: `Please add oat milk to the groceries for Saturday, it is important. ${script.mark}`,
      ...(conversation_id !== undefined && { conversation_id }),
    });
    expect(answer.error).toBeUndefined();
    conversation_id = answer.conversation_id;
    asked.push((await script.record()).requests);
  }
  return asked;
}

describe("what the model is sent", () => {
  test("begins as the request before did, from turn to turn and minutes apart", async () => {
    const asked = await converse(14);
    const requests = asked.flat();
    expect(requests).toHaveLength(28);
    const shares = requests.slice(1).map((request, index) => shareOf(requests[index] ?? request, request));
    // With the eleventh turn the window moves by half, as it does once in five turns.
    const move = shares.findIndex((share) => share < 0.85);
    expect(move).toBe(19);
    expect(shares[move]).toBeGreaterThan(0.6);
    expect(Math.min(...shares.toSpliced(move, 1))).toBeGreaterThan(0.9);
    expect(shares.reduce((sum, share) => sum + share, 0) / shares.length).toBeGreaterThan(0.9);
  });

  test("says when each message was sent, and the same of it ever after", async () => {
    const asked = await converse(2);
    const [first, second] = asked.flatMap((requests) => requests.slice(0, 1));
    expect(second?.input[0]).toEqual(first?.input[0]);
    expect(second?.input.at(-1)).not.toEqual(first?.input[0]);
    expect(second?.instructions).toBe(first?.instructions);
  });

  test("holds the arguments of a call as the model wrote them, in this turn and in those to come", async () => {
    const requests = (await converse(2)).flat().slice(1);
    for (const { input } of requests) {
      expect(input).toContainEqual(expect.objectContaining({ type: "function_call", arguments: WRITTEN }));
    }
  });

  test("holds the arguments of a call that the release before has kept", async () => {
    const person = await Person.signUp();
    const script = await Script.write([adds, says("Added.")]);
    const { conversation_id } = await chat(person, { message: `Add ${script.mark}` });
    await ownerQuery(
      `update messages set content = (select jsonb_agg(event - 'arguments' order by place)
        from jsonb_array_elements(content) with ordinality events (event, place))
      where user_id = $1 and role = 'assistant'`,
      [person.id],
    );
    const next = await Script.write([says("You are welcome.")]);
    await chat(person, { message: `Thanks ${next.mark}`, conversation_id });
    const call = (await next.record()).requests[0]?.input.find((item) => "arguments" in item);
    expect(JSON.parse(call !== undefined && "arguments" in call ? call.arguments : "")).toEqual(JSON.parse(WRITTEN));
  });

  test("names who asks by the same hash in every conversation, and by none that their id gives away", async () => {
    const [one, other] = await Promise.all([Person.signUp(), Person.signUp()]);
    const namesOf = async (person: Person) => {
      const script = await Script.write([says("Hello.")]);
      await chat(person, { message: `Hi ${script.mark}` });
      const [request] = (await script.record()).requests;
      expect(request?.max_output_tokens).toBe(16_384);
      // The model's own, unless an operator wants another.
      expect(request).not.toHaveProperty("reasoning");
      expect(request).not.toHaveProperty("text");
      return [request?.safety_identifier, request?.prompt_cache_key];
    };
    const names = await namesOf(one);
    expect(names).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), expect.stringMatching(/^[0-9a-f]{64}$/)]);
    expect(await namesOf(one)).toEqual(names);
    expect(await namesOf(other)).not.toEqual(names);
    const bare = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(String(one.id)));
    expect(names).not.toContain(Buffer.from(bare).toString("hex"));
  });
});

test("the log says how many of a turn's tokens the provider had in its cache, all rounds together", async () => {
  const person = await Person.signUp();
  const usage = { input_tokens: 100, input_tokens_details: { cached_tokens: 80 }, output_tokens: 5 };
  const completed = { type: "response.completed", response: { usage } };
  const item = { type: "function_call", call_id: "1", name: "list_tasks", arguments: "{}" };
  const script = await Script.write([
    { events: [{ type: "response.output_item.done", item }, completed] },
    { events: [{ type: "response.output_text.delta", item_id: "1", delta: "None." }, completed] },
  ]);
  const logged = vi.spyOn(console, "log");
  await chat(person, { message: `List ${script.mark}` });
  const lines = logged.mock.calls.map(([line]): unknown => JSON.parse(String(line)));
  logged.mockRestore();
  expect(lines).toContainEqual(
    expect.objectContaining({ event: "chat_turn", user_id: person.id, input_tokens: 200, cached_tokens: 160 }),
  );
});

test("the model is told what the product cannot do, and not to promise it", async () => {
  const person = await Person.signUp();
  const script = await Script.write([says("I cannot remind you.")]);
  await chat(person, { message: `Remind me at five ${script.mark}` });
  const [request] = (await script.record()).requests;
  for (const word of ["reminders", "notifications", "calendar", "mail", "sharing", "Never promise"]) {
    expect(request?.instructions).toContain(word);
  }
  // What it can do with one call, and first.
  for (const word of ["one call for all tasks", "read the digest"]) expect(request?.instructions).toContain(word);
  // Tasks do.
  expect(request?.instructions).not.toContain("repeat");
});

describe("the window of a conversation", () => {
  test("begins with a message of the person, and stays where it is for several turns", async () => {
    const asked = await converse(17);
    const windows = asked.flatMap(([request]) => (request === undefined ? [] : [kindsOf(request)]));
    expect(windows.map(([first]) => first)).toEqual(windows.map(() => "user"));
    expect(windows.map((kinds) => kinds.filter((kind) => kind === "user").length)).toEqual([
      ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
      ...[6, 7, 8, 9, 10],
      ...[6, 7],
    ]);
  });

  test("is the same where a message goes on after an answer to its question", async () => {
    const person = await Person.signUp();
    const [id] = await makeTasks(person, "Eggs");
    let conversation_id: string | undefined;
    for (let turn = 1; turn <= 10; turn += 1) {
      const script = await Script.write([says(`Answer ${turn}.`)]);
      const said = {
        message: `Message ${turn} ${script.mark}`,
        ...(conversation_id !== undefined && { conversation_id }),
      };
      conversation_id = (await chat(person, said)).conversation_id;
    }
    const script = await Script.write([calls(["delete_task", { task_id: id }]), says("Deleted.")]);
    const asking = await chat(person, { message: `Delete eggs ${script.mark}`, conversation_id });
    const approval = { id: questionOf(asking).id, approved: true };
    await chat(person, { conversation_id, approval });
    const [asked, goneOn] = (await script.record()).requests.map(kindsOf);
    expect(asked).toHaveLength(11);
    expect(goneOn).toEqual([...(asked ?? []), "function_call", "function_call_output"]);
  });

  test.each([2, 3, 4, 5, 20, 21])("of %i messages holds no more, and begins with one of the person", async (most) => {
    const person = await Person.signUp();
    const { DATABASE_URL, NEON_FETCH_ENDPOINT, DATABASE_TIMEOUT, JWT_SECRET } = readConfiguration(env);
    const caller = await verifyToken(person.session.token, { secret: JWT_SECRET, issuer: ORIGIN });
    if (caller === undefined) throw new Error("the token must hold");
    const connection = openDatabase(DATABASE_URL, NEON_FETCH_ENDPOINT, DATABASE_TIMEOUT);
    const database = connection.as(caller, { via: "chat", requestId: "test" });
    const budgets = { user_tokens: 1, address_tokens: 1, total_tokens: 1 };
    const scope = { conversationId: "c", historyLength: most, budgets, addressKey: undefined };
    await ownerQuery("insert into conversations (user_id, id, title) values ($1, 'c', 'Long')", [person.id]);
    const rows = await ownerQuery(
      `insert into messages (user_id, conversation_id, id, role, content)
      select $1, 'c', role || turn, role, '[]'
      from generate_series(1, 24) as turns (turn), unnest(array['user', 'assistant']) as roles (role)
      order by turn, role desc
      returning seq::int, id`,
      [person.id],
    );
    for (const turn of [1, 2, 3, 9, 10, 11, 12, 24]) {
      const last = Number(rows.find(({ id }) => id === `assistant${turn}`)?.seq);
      const { results } = await database.read((query) => [
        selectHistory(query, person.id, scope, 1, lte(messages.seq, last)),
        selectHistory(query, person.id, scope, 0, lte(messages.seq, last)),
      ]);
      const [begins = [], goesOn = []] = results.map((window) => window.map(({ id }) => id).reverse());
      expect([...begins, "new"].length).toBeLessThanOrEqual(most);
      expect([...begins, "user"][0]).toMatch(/^user/);
      expect(goesOn.length).toBeLessThanOrEqual(most);
      expect(goesOn[0]).toMatch(/^user/);
      // What asks is among them, and the window of the turn after it does not go back.
      expect(goesOn.at(-1)).toBe(`assistant${turn}`);
      expect(goesOn.join().endsWith(begins.join())).toBe(true);
    }
  });
});
