import {
  createExecutionContext,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
  waitOnExecutionContext,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { z } from "zod";
import worker from "../../src/worker.ts";
import { ClientSession } from "../support/mcp.ts";
import { ownerQuery } from "../support/owner.ts";
import { newAddress, ORIGIN, Person } from "../support/person.ts";
import { sentryDsn } from "../support/sentry-sink.ts";
import { setVariables } from "../support/variables.ts";

const PROJECT = crypto.getRandomValues(new Uint32Array(1))[0] ?? 1;

beforeAll(() => setVariables({ SENTRY_DSN: sentryDsn(inject("sentrySinkUrl"), PROJECT) }));

const eventSchema = z.looseObject({
  release: z.string().optional(),
  environment: z.string(),
  tags: z.record(z.string(), z.string()),
  exception: z.object({
    values: z.array(
      z.looseObject({
        type: z.string(),
        value: z.string(),
        stacktrace: z.object({ frames: z.array(z.looseObject({ function: z.string().optional() })) }).optional(),
      }),
    ),
  }),
});

type SentryEvent = z.output<typeof eventSchema>;

async function envelopes(): Promise<string[]> {
  const response = await fetch(`${inject("sentrySinkUrl")}/${PROJECT}`);
  return z.array(z.string()).parse(await response.json());
}

/** Decodes an envelope: https://develop.sentry.dev/sdk/data-model/envelopes/ */
function eventOf(envelope: string): SentryEvent {
  const [header = "", itemHeader = "", payload = ""] = envelope.split("\n");
  expect(JSON.parse(header)).toMatchObject({ event_id: expect.stringMatching(/^[\da-f]{32}$/) });
  expect(JSON.parse(itemHeader)).toMatchObject({ type: "event" });
  return eventSchema.parse(JSON.parse(payload));
}

/** The events that some work makes the worker send; the last of them within a second. */
async function eventsOf(work: () => Promise<unknown>): Promise<{ events: SentryEvent[]; text: string }> {
  const before = (await envelopes()).length;
  await work();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const sent = (await envelopes()).slice(before);
  return { events: sent.map(eventOf), text: sent.join("\n") };
}

/** Leaves a session's object something that it cannot read. */
async function damage(session: ClientSession): Promise<void> {
  await runInDurableObject(session.object, (instance, { storage }) => {
    storage.kv.put("session", { sessionId: "a canary in storage" });
    return instance;
  });
}

/** Sends a request with an environment in which something is broken. */
async function sendWith(broken: Partial<Env>, path: string, init: RequestInit = {}): Promise<Response> {
  const context = createExecutionContext();
  const headers = { "CF-Connecting-IP": newAddress(), ...init.headers };
  const response = await worker.fetch(
    new Request(new URL(path, ORIGIN), { ...init, headers }),
    { ...env, ...broken },
    context,
  );
  await waitOnExecutionContext(context);
  return response;
}

describe("an error that nobody expected is reported once", () => {
  it("from a request, with its route, id, environment and version", async () => {
    const broken = new Proxy(env.METRICS, {
      get() {
        throw new TypeError("Cannot read properties of undefined (reading 'canary')");
      },
    });
    const { events } = await eventsOf(async () => {
      const response = await sendWith({ METRICS: broken }, "/metrics", {
        headers: {
          Authorization: `Bearer ${z.string().parse(Reflect.get(env, "METRICS_TOKEN"))}`,
          "X-Request-Id": "00f067aa0ba902b7",
        },
      });
      expect(response.status).toBe(500);
    });

    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      environment: "development",
      tags: { request_id: "00f067aa0ba902b7", route: "/metrics" },
      exception: { values: [{ type: "TypeError", value: expect.stringContaining("Cannot read properties") }] },
    });
    expect(events[0]?.exception.values[0]?.stacktrace?.frames.length).toBeGreaterThan(2);
    expect(events[0]?.release).toBe(env.CF_VERSION_METADATA.id || undefined);
  });

  it("from a Durable Object", async () => {
    const session = await ClientSession.open(await Person.signUp());
    await damage(session);
    await evictDurableObject(session.object);
    const { events, text } = await eventsOf(async () => {
      expect((await session.post({ jsonrpc: "2.0", id: 1, method: "ping" })).status).toBe(500);
    });

    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      tags: { object: "McpSession", request_id: expect.any(String) },
      exception: { values: [{ type: "ZodError" }] },
    });
    expect(text).not.toContain("canary");
  });

  it("from an alarm", async () => {
    const session = await ClientSession.open(await Person.signUp());
    await damage(session);
    await evictDurableObject(session.object);
    const { events } = await eventsOf(() => runDurableObjectAlarm(session.object).catch(() => undefined));

    expect(events.length).toBeGreaterThan(0);
    expect(events[0]).toMatchObject({ tags: { object: "McpSession" }, exception: { values: [{ type: "ZodError" }] } });
  });

  it("from a tool, with its name and what kind of refusal it was, but none of Postgres' words", async () => {
    const person = await Person.signUp();
    const title = `a canary of a task ${crypto.randomUUID()}`;
    await ownerQuery(`alter table tasks add constraint tasks_ours check (title <> '${title}')`);
    const { events, text } = await eventsOf(async () => {
      const session = await ClientSession.open(person);
      expect((await person.call("create_task", { title })).status).toBe(500);
      expect((await session.call("create_task", { title })).result).toMatchObject({ isError: true });
    });
    await ownerQuery("alter table tasks drop constraint tasks_ours");

    expect(events).toHaveLength(2);
    for (const event of events) {
      expect(event.tags).toMatchObject({ tool: "create_task", request_id: expect.any(String) });
      expect(event.exception.values.map(({ value }) => value)).toContain("SQLSTATE 23514, constraint tasks_ours");
    }
    expect(text).not.toContain("canary of a task");
  });
});

describe("an error is not reported", () => {
  it("that the caller must act on", async () => {
    const person = await Person.signUp();
    const { events } = await eventsOf(async () => {
      await person.call("create_task", { title: "" });
      await person.call("get_task", { task_id: 2_147_483_000 });
      await sendWith({}, "/nowhere");
      await sendWith({}, "/api/auth/me");
    });

    expect(events).toEqual([]);
  });

  it("that the operator must act on", async () => {
    const { events } = await eventsOf(async () => {
      const response = await sendWith(
        { DATABASE_URL: "postgresql://nobody:x@elsewhere.invalid/tasks" },
        "/api/auth/signin",
        {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ email: "a@example.com", password: "TestPass123" }),
        },
      );
      expect(response.status).toBe(503);
    });

    expect(events).toEqual([]);
  });
});
