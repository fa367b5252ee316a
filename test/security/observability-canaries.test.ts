import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, expect, inject, it, vi } from "vitest";
import { z } from "zod";
import { app } from "../../src/app.ts";
import { catalog } from "../../src/tools/catalog.ts";
import { ConsentBrowser } from "../support/consent.ts";
import { refuseRequests } from "../support/database-requests.ts";
import { Mailbox } from "../support/mailbox.ts";
import { ClientSession, EVENTS, initializeParams, statelessRequest } from "../support/mcp.ts";
import { ownerQuery } from "../support/owner.ts";
import { newAddress, ORIGIN, PASSWORD, Person, send } from "../support/person.ts";
import { Script, says } from "../support/scripted-model.ts";
import { sentryDsn } from "../support/sentry-sink.ts";
import { setVariables } from "../support/variables.ts";

// What people type and what opens doors is sent everywhere it can be sent, at the most talkative log level, with the
// database and the model working and failing; then nothing of it may be found in what the server tells its operators.

const PROJECT = crypto.getRandomValues(new Uint32Array(1))[0] ?? 1;
const METRICS_TOKEN = z.string().parse(Reflect.get(env, "METRICS_TOKEN"));
beforeAll(() =>
  setVariables({ LOG_LEVEL: "debug", SLOW_QUERY_MS: "1", SENTRY_DSN: sentryDsn(inject("sentrySinkUrl"), PROJECT) }),
);

const canary = (kind: string) => `canary-${kind}-${crypto.randomUUID()}`;
const email = `${canary("email")}@example.com`;
const password = canary("password");
const taskText = canary("task");
const messageText = canary("message");
const requestWords = canary("request");
const personName = canary("name");
const bogusToken = canary("token");
/** The e-mails and tokens of links, once they are there. */
const ofLinks: string[] = [];

const written: string[] = [];
let person: Person;
let taskId: number;
/** How many lines there were before the test. */
let linesBefore = 0;

beforeEach(() => {
  linesBefore = written.length;
});

/** The lines of an event that were written since the test began, and that nothing of what must not be found is in any. */
function told(event: string): Record<string, unknown>[] {
  const lines = written.slice(linesBefore);
  expect(lines.filter((line) => canaries().some((secret) => line.includes(secret)))).toEqual([]);
  return lines
    .map((line) => z.record(z.string(), z.unknown()).parse(JSON.parse(line)))
    .filter((line) => line.event === event);
}

/** All that must not be found anywhere. */
function canaries(): string[] {
  return [
    email,
    password,
    taskText,
    messageText,
    personName,
    bogusToken,
    requestWords,
    ...ofLinks,
    person.session.token,
    METRICS_TOKEN,
    env.JWT_SECRET,
    env.DATABASE_URL,
    z.string().parse(Reflect.get(env, "OPENAI_API_KEY")),
  ];
}

const everything = {
  title: taskText,
  description: taskText,
  search: taskText,
  tags: [taskText],
  message: messageText,
  messages: [{ id: messageText.slice(0, 90), role: "user", parts: [{ type: "text", text: messageText }] }],
  email,
  password,
  name: personName,
  [taskText]: taskText,
};

beforeAll(async () => {
  for (const method of ["log", "info", "warn", "error", "debug"] as const) {
    vi.spyOn(console, method).mockImplementation((...values: unknown[]) => {
      written.push(values.map(String).join(" "));
    });
  }
  person = await Person.signUpByHttp({ email, password, name: personName });
  ({ id: taskId } = await person.runForTask("create_task", {
    title: taskText,
    description: taskText,
    tags: [taskText],
  }));
});

/** Where no token is asked for. */
const PUBLIC =
  /^\/($|icon\.|favicon\.|health$|mcp\/(tools|server-card)$|openapi\.json$|docs|\.well-known\/|account\/|authorize|oauth\/|api\/auth\/(sign(up|in)|email|password\/(forgot|reset))$)/;

const routes = [
  ...new Set(
    app.routes
      .filter(({ method, path }) => method !== "ALL" && !path.includes("*"))
      .map(({ method, path }) => `${method} ${path}`),
  ),
];

it.each(routes)("%s is told everything, with every token", async (route) => {
  const [method = "", path = ""] = route.split(" ");
  const isRead = method === "GET";
  const url = `${path.replaceAll(/:\w+/g, taskText)}?search=${taskText}&token=${bogusToken}`;
  const statuses = new Map<string, number>();
  for (const token of [person.session.token, bogusToken, METRICS_TOKEN]) {
    for (const body of [JSON.stringify(everything), `{"title": ${taskText}`]) {
      const response = await send(url, {
        method,
        headers: {
          Authorization: `Bearer ${token}`,
          Cookie: `session=${bogusToken}`,
          Accept: "text/event-stream",
          "Mcp-Session-Id": bogusToken,
          "X-Request-Id": requestWords,
        },
        ...(!isRead && { body }),
      });
      await response.body?.cancel();
      statuses.set(token, response.status);
    }
  }
  // Each token is looked at, and the right one is let in, but for what it then asks for.
  const isPublic = PUBLIC.test(path);
  const right = path === "/metrics" ? METRICS_TOKEN : person.session.token;
  for (const [token, status] of statuses) {
    if (isPublic || token === right) expect([401, 500]).not.toContain(status);
    else expect(status).toBe(401);
  }
  const requests = told("http_request").filter((line) => line.route === path && line.method === method);
  expect(requests).toHaveLength(6);
});

it.each(catalog.map(({ name }) => name))("%s is told everything by every interface", async (tool) => {
  const inputs = [
    { title: taskText, description: taskText },
    { task_id: taskId, title: taskText },
    { search: taskText },
    everything,
  ];
  for (const input of inputs) {
    await (await person.call(tool, input)).text();
    await (await statelessRequest(person, "tools/call", { name: tool, arguments: input })).text();
  }
  const session = await ClientSession.open(person);
  for (const input of inputs) {
    await session.call(tool, input);
    await session.call(tool, input, EVENTS);
  }
  const calls = told("tool_execution").filter((line) => line.tool === tool);
  expect(calls).toHaveLength(4 * inputs.length);
  // Some of what was sent fits each tool, some of it none.
  expect(new Set(calls.map(({ status }) => status))).toContain("invalid_input");
});

it("MCP is told everything in its own messages", async () => {
  const session = await ClientSession.open(person);
  const unknownMethod = await session.request(taskText, { [taskText]: taskText });
  expect(unknownMethod.error?.code).toBe(-32601);
  for (const headers of [{}, EVENTS]) {
    const unknownTool = await session.call(taskText, everything, headers);
    expect(unknownTool.error?.code).toBe(-32602);
  }
  expect((await session.post(`{"jsonrpc": "2.0", "id": ${taskText}`)).status).toBe(400);
  expect((await session.get({ "Last-Event-ID": taskText })).status).toBe(400);
  const opened = await person.send("/mcp", {
    method: "POST",
    headers: { Accept: "application/json, text/event-stream" },
    body: {
      jsonrpc: "2.0",
      id: taskText,
      method: "initialize",
      params: { ...initializeParams(), clientInfo: { name: taskText, version: taskText } },
    },
  });
  expect(opened.status).toBe(200);
  await opened.text();
  expect(told("http_request").filter(({ route }) => route === "/mcp").length).toBeGreaterThanOrEqual(6);
});

it("links are asked for, opened and used, with a webhook that takes them and one that does not", async () => {
  const mailbox = Mailbox.open();
  mailbox.answerWith(() => new Response(canary("refusal"), { status: 400 }));
  const forgetful = await Person.signUp();
  const { email: own } = forgetful.session.user;
  const other = `${canary("email")}@example.com`;
  ofLinks.push(own, other);
  const browser = new ConsentBrowser();
  /** Opens a page with its link, sends its form twice, and opens it again. */
  const use = async (path: string, token: string) => {
    ofLinks.push(token);
    const page = await browser.open(`${path}?token=${token}`);
    for (const typed of ["1234567", password]) await browser.submit(page, { password: typed });
    expect((await browser.open(`${path}?token=${token}`)).response.status).toBe(400);
  };
  const forgot = (address: string) => send("/api/auth/password/forgot", { method: "POST", body: { email: address } });
  await forgot(own);
  ofLinks.push(await mailbox.token("password_reset", own));
  await forgetful.send("/api/auth/me", { method: "PATCH", body: { email: other, password: PASSWORD } });
  await use("/account/confirm-email", await mailbox.token("email_verification", other));
  await forgot(other);
  await use("/account/reset-password", await mailbox.token("password_reset", other));
  await expect.poll(() => told("mail_sent").length).toBe(4);
  expect(told("mail_not_sent")).toMatchObject([{ mail: "password_reset", attempts: 1, status: 400 }]);
});

it("chat is told everything, by a model that works and by one that fails", async () => {
  const works = await Script.write([says(`${messageText} ${taskText}`)]);
  const fails = await Script.write([
    { status: 401, body: { error: { message: `bad key ${messageText}`, code: messageText } } },
  ]);
  for (const { mark } of [works, fails]) {
    const response = await person.send("/chat", { method: "POST", body: { message: `${messageText} ${mark}` } });
    expect(response.status).toBe(200);
    await response.text();
  }
  expect(told("chat_turn").map(({ outcome }) => outcome)).toEqual(["completed", "failed"]);
});

it("tools and sign-in are told everything with a database that fails, in each of its ways", async () => {
  await ownerQuery(`alter table tasks add constraint tasks_canary check (title <> '${taskText} ')`);
  await ownerQuery(`alter table tasks add constraint tasks_canary_2 check (description <> '${taskText} 2')`);
  expect((await person.call("create_task", { title: "x", description: `${taskText} 2` })).status).toBe(500);
  expect((await person.call("update_task", { task_id: taskId, description: `${taskText} 2` })).status).toBe(500);
  await ownerQuery("alter table tasks drop constraint tasks_canary, drop constraint tasks_canary_2");
  for (const broken of [
    { NEON_FETCH_ENDPOINT: "http://127.0.0.1:1/sql" },
    { DATABASE_URL: "postgresql://task_worker:wrong@elsewhere.invalid/tasks" },
  ]) {
    for (const [path, body] of [
      ["/mcp/tools/create_task", { title: taskText }],
      ["/mcp/tools/list_tasks", { search: taskText }],
      ["/api/auth/signin", { email, password }],
      ["/api/auth/signup", { email, password, name: personName }],
    ] as const) {
      const context = createExecutionContext();
      const request = new Request(new URL(path, ORIGIN), {
        method: "POST",
        headers: { ...person.authorization, "Content-Type": "application/json", "CF-Connecting-IP": newAddress() },
        body: JSON.stringify(body),
      });
      const response = await app.fetch(request, { ...env, ...broken }, context);
      expect([500, 503], path).toContain(response.status);
      await response.text();
      await waitOnExecutionContext(context);
    }
  }
  // A conversation's object has the variables of its own.
  using failing = refuseRequests(person, messageText);
  expect((await person.send("/chat", { method: "POST", body: { message: messageText } })).status).toBe(503);
  failing.release();
  // The two that the database refused, all four of each way to fail, and chat.
  expect(told("error").length).toBeGreaterThanOrEqual(2 + 2 * 4 + 1);
});

it("and nothing of it is in a log line, an envelope or a metric", async () => {
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const metricsText = await (await send("/metrics", { headers: { Authorization: `Bearer ${METRICS_TOKEN}` } })).text();
  const envelopes = await (await fetch(`${inject("sentrySinkUrl")}/${PROJECT}`)).text();
  const logs = written.join("\n");

  // What was looked through is what was meant to be.
  for (const event of ["http_request", "tool_execution", "slow_query", "error", "sign_up", "chat_turn"]) {
    expect(logs.includes(`"event":"${event}"`), event).toBe(true);
  }
  expect(envelopes.includes("tasks_canary_2")).toBe(true);
  expect(metricsText.includes("tool_executions_total{")).toBe(true);
  for (const secret of canaries()) expect(secret.length, secret).toBeGreaterThan(15);
  const told = [...written, ...envelopes.split("\\n"), ...metricsText.split("\n")];
  expect(told.filter((line) => canaries().some((secret) => line.includes(secret)))).toEqual([]);
  for (const line of written) expect(() => JSON.parse(line), line).not.toThrow();
});
