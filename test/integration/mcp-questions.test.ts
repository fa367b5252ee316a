import { runInDurableObject } from "cloudflare:test";
import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { EmptyResultSchema, ListRootsResultSchema, type Progress } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { AnswerLog, readCursor } from "../../src/mcp/session/answer-log.ts";
import { MessageLog } from "../../src/mcp/session/message-log.ts";
import { createSessionServer } from "../../src/mcp/session/session-server.ts";
import { SessionTransport } from "../../src/mcp/session/session-transport.ts";
import { ClientSession, EventReader } from "../support/mcp.ts";
import { ORIGIN, Person } from "../support/person.ts";

// No tool asks its client anything yet: here the server of a session does, in the storage of a real one.

const questionSchema = z.looseObject({
  id: z.string(),
  method: z.string(),
  params: z.looseObject({ _meta: z.looseObject({ progressToken: z.string() }).optional() }).optional(),
});
const CALL = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "ask" } };
const posting = { requestIds: [], keeping: "at once", batch: undefined } as const;
const listener = { position: 0, credentialId: "c", isStillAllowed: async () => true };

interface Connected {
  readonly server: Server;
  readonly transport: SessionTransport;
  readonly answers: AnswerLog;
}

/** A server as it is after its object was loaded, whose tool tells its progress and asks for roots. */
async function connect(storage: DurableObjectStorage): Promise<Connected> {
  const [answers, messages] = [new AnswerLog(storage), new MessageLog(storage)];
  const settings = { sessionId: "s", isResumable: true, answers, messages, onUnreadable: () => undefined };
  const transport = new SessionTransport({ ...settings, methods: new Map() });
  const server = createSessionServer(ORIGIN);
  server.fallbackRequestHandler = async (_, { sendNotification, sendRequest }) => {
    const params = { progressToken: 1, progress: 1 };
    await sendNotification({ method: "notifications/progress", params });
    return sendRequest({ method: "roots/list" }, ListRootsResultSchema);
  };
  await server.connect(transport);
  return { server, transport, answers };
}

/** Does something inside the object of a session. */
async function inSession(work: (storage: DurableObjectStorage) => Promise<void>): Promise<void> {
  const session = await ClientSession.open(await Person.signUp());
  await runInDurableObject(session.object, (_, { storage }) => work(storage));
}

/** The next question on a stream. */
async function questionOf(stream: EventReader) {
  const [event] = await stream.read(1);
  return questionSchema.parse(JSON.parse(event?.data ?? ""));
}

function answer(id: string, result: Record<string, unknown>) {
  return { jsonrpc: "2.0", id, result };
}

function rootsAnswer(id: string, name: string) {
  return answer(id, { roots: [{ uri: "file:///x", name }] });
}

async function streamOf(response: Promise<unknown>): Promise<EventReader> {
  return new EventReader(z.instanceof(Response).parse(await response));
}

describe("a question to the client", () => {
  it("goes out on the server's own stream, and its answer comes back", () =>
    inSession(async (storage) => {
      const { server, transport } = await connect(storage);
      const stream = await streamOf(transport.listen(listener));
      const asking = server.ping();
      const question = await questionOf(stream);
      const answered = await transport.post(answer(question.id, {}), posting);

      expect(question.method).toBe("ping");
      expect(answered.status).toBe(202);
      expect(EmptyResultSchema.parse(await asking)).toEqual({});
      await transport.close();
    }));

  it("is not answered by the answer to another one, of before the object's memory was lost", () =>
    inSession(async (storage) => {
      const before = await connect(storage);
      const lost = before.server.listRoots();
      lost.catch(() => undefined);
      const { server, transport } = await connect(storage);
      const progress: Progress[] = [];
      const asking = server.listRoots(undefined, { onprogress: (told) => progress.push(told) });
      const stream = await streamOf(transport.listen(listener));
      const [old, current] = [await questionOf(stream), await questionOf(stream)];
      const token = current.params?._meta?.progressToken;
      for (const progressToken of [0, old.id, token]) {
        const params = { progressToken, progress: 1, message: String(progressToken) };
        await transport.post({ jsonrpc: "2.0", method: "notifications/progress", params }, posting);
      }
      await transport.post(rootsAnswer(old.id, "the old one's"), posting);
      await transport.post(rootsAnswer(current.id, "this one's"), posting);

      expect(old.id).not.toBe(current.id);
      expect((await asking).roots).toEqual([{ uri: "file:///x", name: "this one's" }]);
      expect(progress).toEqual([{ progress: 1, message: token }]);
      await Promise.all([transport.close(), before.transport.close()]);
    }));

  it("is cancelled by the id that the client knows it by", () =>
    inSession(async (storage) => {
      const { server, transport } = await connect(storage);
      const stream = await streamOf(transport.listen(listener));
      const cancelling = new AbortController();
      const asking = server.listRoots(undefined, { signal: cancelling.signal });
      const question = await questionOf(stream);
      cancelling.abort("no more");
      const [cancelled] = await stream.read(1);

      await expect(asking).rejects.toThrow("no more");
      expect(JSON.parse(cancelled?.data ?? "")).toMatchObject({
        method: "notifications/cancelled",
        params: { requestId: question.id },
      });
      await transport.close();
    }));

  it("is asked in the middle of a call, and again of a client that comes back", () =>
    inSession(async (storage) => {
      const { transport } = await connect(storage);
      const first = await streamOf(transport.post(CALL, { ...posting, requestIds: [1] }));
      const [progress] = await first.read(1);
      const asked = await questionOf(first);
      await first.cancel();
      const cursor = readCursor(progress?.id ?? "");
      const missed = transport.resume(cursor ?? { streamId: "", number: 0, requestIds: [] });
      const second = new EventReader(missed ?? new Response());
      const again = await questionOf(second);
      await transport.post(rootsAnswer(again.id, "mine"), posting);
      const [result] = await second.rest();

      expect(cursor?.requestIds).toEqual([1]);
      expect(again).toEqual(asked);
      expect(JSON.parse(result?.data ?? "")).toMatchObject({ id: 1, result: { roots: [{ name: "mine" }] } });
    }));

  it("fails at once where the call that asks it is over", () =>
    inSession(async (storage) => {
      const { server, transport } = await connect(storage);
      const over = Promise.withResolvers<unknown>();
      server.fallbackRequestHandler = async (_, { sendRequest }) => {
        setTimeout(() => sendRequest({ method: "roots/list" }, ListRootsResultSchema).catch(over.resolve), 50);
        return {};
      };
      await transport.post(CALL, { ...posting, requestIds: [1] });

      expect(String(await over.promise)).toContain("its request is over");
      await transport.close();
    }));
});

describe("notifications of a call", () => {
  it("take the place of no answer, however many there are", () =>
    inSession(async (storage) => {
      const { server, transport, answers } = await connect(storage);
      server.fallbackRequestHandler = async (_, { sendNotification }) => {
        // With the answer 64, which is how many answers are kept.
        for (let progress = 1; progress <= 63; progress += 1) {
          await sendNotification({ method: "notifications/progress", params: { progressToken: 1, progress } });
        }
        return {};
      };
      const cursors = [];
      for (let id = 1; id <= 5; id += 1) {
        const { body } = z
          .looseObject({ body: z.string() })
          .parse(await transport.post({ ...CALL, id }, { ...posting, requestIds: [id] }));
        cursors.push(readCursor(/^id: (.*)$/m.exec(body)?.[1] ?? ""));
      }
      const afterwards = new AnswerLog(storage);

      for (const [index, cursor] of cursors.entries()) {
        for (const log of [answers, afterwards]) {
          const remainder = log.remainderOf(cursor ?? { streamId: "", number: 0, requestIds: [] });
          expect(remainder).toContain(`{"result":{},"jsonrpc":"2.0","id":${index + 1}}`);
        }
      }
      await transport.close();
    }));
});

it("reads what the release before has kept, and keeps answers as that can read them", () =>
  inSession(async (storage) => {
    const kept = z.object({ number: z.int(), streamId: z.string(), message: z.string() });
    const message = '{"jsonrpc":"2.0","id":7,"result":{}}';
    for (const number of [1, 2, 65, 66]) {
      storage.kv.put(`event/${number % 64}`, { number, streamId: `stream-${number}`, message });
    }
    const log = new AnswerLog(storage);
    const number = log.nextNumber();
    log.keep("new", number, message, "at once");

    expect(log.remainderOf({ streamId: "stream-66", number: 0, requestIds: [7] })).toContain(`id: stream-66:66\n`);
    expect(number).toBe(67);
    expect(kept.parse(storage.kv.get("event/3"))).toEqual({ number, streamId: "new", message });
  }));

it("refuses a message that is too long to be kept, and keeps nothing of it", () =>
  inSession(async (storage) => {
    const { server, transport } = await connect(storage);
    const params = { level: "info", data: "x".repeat(64_000) } as const;

    await expect(server.notification({ method: "notifications/message", params })).rejects.toThrow(
      "a message may have 64000 characters",
    );
    expect([...storage.kv.list({ prefix: "message/" })]).toEqual([]);
    await transport.close();
  }));
