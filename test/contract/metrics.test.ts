import { beforeAll, describe, expect, it, vi } from "vitest";
import { METRICS_MEDIA_TYPE } from "../../src/observability/metrics-text.ts";
import { growthOf, othersCounted, scrape, METRICS_TOKEN as TOKEN } from "../support/counting.ts";
import { failDatabase } from "../support/database-requests.ts";
import { Mailbox } from "../support/mailbox.ts";
import { answersOf, ClientSession, EVENTS } from "../support/mcp.ts";
import { readSamples, sumOf } from "../support/metrics-text.ts";
import { holdRows } from "../support/owner.ts";
import { PATIENCE } from "../support/patience.ts";
import { newAddress, Person, problemOf, send } from "../support/person.ts";

let person: Person;

beforeAll(async () => {
  await othersCounted();
  person = await Person.signUp();
});

describe("/metrics", () => {
  it("is for those who have METRICS_TOKEN", async () => {
    const without = await send("/metrics");
    expect(without.status).toBe(401);
    expect(without.headers.get("WWW-Authenticate")).toMatch(/^Bearer /);
    expect((await problemOf(without)).detail).toMatch(/ Bearer TOKEN; here it is METRICS_TOKEN\.$/);
    const wrong = await send("/metrics", { headers: { Authorization: `Bearer ${TOKEN}x` } });
    expect(wrong.status).toBe(401);
    expect((await problemOf(wrong)).detail).not.toContain(TOKEN);
    expect((await person.send("/metrics")).status).toBe(401);
  });

  it("is Prometheus' text, not to be stored", async () => {
    const response = await send("/metrics", { headers: { Authorization: `Bearer ${TOKEN}` } });

    expect(response.headers.get("Content-Type")).toBe(METRICS_MEDIA_TYPE);
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    const samples = readSamples(await response.text());
    expect(sumOf(samples, "database_up")).toBe(1);
  });

  it("tells no label but those it declares", async () => {
    for (const { labels } of await scrape()) {
      expect(["route", "method", "status", "tool", "limit", "rows", "version", "le"]).toEqual(
        expect.arrayContaining(Object.keys(labels)),
      );
    }
  });
});

describe("within five seconds it counts", () => {
  it("requests by route, method and status, and no path", async () => {
    const marker = crypto.randomUUID();
    const tools = { route: "/mcp/tools", method: "GET", status: "200" };
    const unknown = { route: "/*", status: "404" };
    await growthOf(
      async () => {
        for (let count = 0; count < 3; count += 1) await send("/mcp/tools");
        await send(`/${marker}`);
      },
      [
        ["http_requests_total", tools],
        ["http_request_duration_seconds_count", { route: "/mcp/tools", method: "GET" }],
        ["http_request_duration_seconds_bucket", { route: "/mcp/tools", method: "GET", le: "+Inf" }],
        ["http_requests_total", unknown],
      ],
      [3, 3, 3, 1],
    );
    expect(JSON.stringify(await scrape())).not.toContain(marker);
  });

  it("a method that nobody knows as other", async () => {
    await growthOf(
      () => send("/mcp/tools", { method: "PURGE" }),
      [["http_requests_total", { method: "other", status: "405" }]],
      [1],
    );
  });

  it("tool calls by how they ended, whatever interface they came by", async () => {
    const session = await ClientSession.open(person);
    await growthOf(
      async () => {
        await person.run("list_tasks");
        await person.call("list_tasks", { limit: 0 });
        await session.call("list_tasks");
        // By the session's object, which hands over what it has counted itself.
        await session.call("list_tasks", {}, EVENTS);
        await person.call("get_task", { task_id: 2_147_483_000 });
      },
      [
        ["tool_executions_total", { tool: "list_tasks", status: "success" }],
        ["tool_executions_total", { tool: "list_tasks", status: "invalid_input" }],
        ["tool_executions_total", { tool: "get_task", status: "not_found" }],
        ["tool_execution_duration_seconds_count", { tool: "list_tasks" }],
      ],
      [3, 1, 1, 4],
    );
  });

  it("tasks created and completed, each once", async () => {
    await growthOf(
      async () => {
        const { id } = await person.runForTask("create_task", { title: "once", idempotency_key: "metrics" });
        await person.run("create_task", { title: "once", idempotency_key: "metrics" });
        await person.run("complete_task", { task_id: id });
        await person.run("complete_task", { task_id: id });
        await person.run("update_task", { task_id: id, status: "completed", title: "still once" });
        await person.run("update_task", { task_id: id, status: "pending" });
        await person.run("update_task", { task_id: id, status: "completed" });
        await person.run("create_task", { title: "done already", status: "completed" });
      },
      [["tasks_created_total"], ["tasks_completed_total"]],
      [2, 3],
    );
  });

  it("requests to the database", async () => {
    // Each scrape asks the database too, once.
    const before = await scrape();
    for (let count = 0; count < 20; count += 1) await person.run("list_tasks");
    const queries = "database_query_duration_seconds_count";
    await expect
      .poll(async () => sumOf(await scrape(), queries) - sumOf(before, queries), { timeout: PATIENCE })
      .toBeGreaterThanOrEqual(20);
  });

  it("requests to the database that fail, each time that they are made", async () => {
    const expected = [Number.NaN];
    await growthOf(
      async () => {
        using failing = failDatabase(person, 'from "tasks"');
        expect((await person.call("list_tasks", {})).status).toBe(503);
        expected[0] = failing.count;
      },
      [["database_errors_total", { status: "unavailable" }]],
      expected,
    );
  });

  it("requests to the database that are slow", async () => {
    const { id } = await person.runForTask("create_task", { title: "held" });
    const slow = async () => sumOf(await scrape(), "slow_queries_total");
    const before = await slow();
    const { released } = await holdRows(`tasks where user_id = ${person.id} and id = ${id} for update`);
    await person.run("update_task", { task_id: id, title: "free" });
    await released;
    // On a busy machine it is not the only one.
    await vi.waitFor(async () => expect(await slow()).toBeGreaterThan(before), { timeout: PATIENCE });
  });

  it("sign-ins that fail, and requests that are refused", async () => {
    const { email } = person.session.user;
    const signIn = () => send("/api/auth/signin", { method: "POST", body: { email, password: "WrongPass123" } });
    await growthOf(
      async () => {
        for (let count = 0; count < 2; count += 1) expect((await signIn()).status).toBe(401);
      },
      [["sign_in_failures_total"]],
      [2],
    );
    await growthOf(
      async () => {
        const headers = { "CF-Connecting-IP": newAddress() };
        let status = 0;
        while (status !== 429) ({ status } = await send("/api/auth/signin", { method: "POST", body: {}, headers }));
      },
      [
        ["rate_limited_requests_total", { route: "/api/auth/signin" }],
        ["http_requests_total", { route: "/api/auth/signin", status: "429" }],
      ],
      [1, 1],
    );
  });

  it("mails by whether the webhook took one of the attempts", async () => {
    const mailbox = Mailbox.open();
    mailbox.answerWith(
      () => new Response(null, { status: 204 }),
      () => new Response(null, { status: 404 }),
    );
    const forgot = (email: string) => send("/api/auth/password/forgot", { method: "POST", body: { email } });
    await growthOf(
      async () => {
        for (const { session } of [await Person.signUp(), await Person.signUp()]) {
          await forgot(session.user.email);
          await mailbox.next("password_reset", session.user.email);
        }
      },
      [
        ["mails_total", { status: "success" }],
        ["mails_total", { status: "unavailable" }],
      ],
      [1, 1],
    );
  });

  it("sessions that are open", async () => {
    let session: ClientSession | undefined;
    await growthOf(
      async () => {
        session = await ClientSession.open(person);
        await answersOf(await session.post({ jsonrpc: "2.0", id: 1, method: "ping" }));
      },
      [["mcp_sessions_open"]],
      [1],
    );
    await growthOf(async () => expect((await session?.delete())?.status).toBe(204), [["mcp_sessions_open"]], [-1]);
  });

  it("a session that is ended by two requests at once as one", async () => {
    const sessions: ClientSession[] = [];
    const open = async () => {
      for (let count = 0; count < 2; count += 1) sessions.push(await ClientSession.open(person));
    };
    await growthOf(open, [["mcp_sessions_open"]], [2]);
    const [first, second] = sessions;
    await growthOf(
      async () => {
        const ends = await Promise.all([first?.delete(), first?.delete(), first?.delete()]);
        expect(ends.map((end) => end?.status)).toContain(204);
        await second?.delete();
      },
      [["mcp_sessions_open"]],
      [-2],
    );
  });
});
