import { beforeAll, describe, expect, it } from "vitest";
import { ACCEPT, answerOf, ClientSession, EVENTS, initializeParams, statelessRequest } from "../support/mcp.ts";
import { Person, problemOf } from "../support/person.ts";
import { calls, says } from "../support/scripted-model.ts";
import { turnOver } from "../support/turn-over.ts";

/** What no error may be larger than, in bytes. */
const LARGEST_ERROR = 8 * 1024;

let person: Person;
let session: ClientSession;

beforeAll(async () => {
  person = await Person.signUp();
  session = await ClientSession.open(person);
});

const entries = (count: number, name: (index: number) => string, value: unknown = 0) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [name(index), value]));

/** Inputs that complain of more than anybody can read, and that tools do not refuse for their size. */
const HOSTILE: Readonly<Record<string, Record<string, unknown>>> = {
  "9,000 unknown fields": entries(9_000, (index) => `k${index}`),
  "250 unknown fields of 900 characters": entries(250, (index) => `${index}`.padEnd(900, "k")),
  "unknown fields of control characters": entries(200, (index) => `${index}`.padEnd(200, "\u0001")),
  "unknown fields of quotation marks": entries(600, (index) => `${index}`.padEnd(200, '"')),
  "unknown fields of emoji": entries(200, (index) => `${index}${"👩‍👩‍👧‍👦".repeat(40)}`),
  "an unknown field of 250,000 characters": { ["k".repeat(250_000)]: 0 },
  "9,000 items that do not fit": {
    tags: Array(9_000).fill(1),
    clear: Array(900).fill("x"),
    messages: Array(9).fill(1),
  },
  "values of 250,000 characters": { ...entries(1, () => "title", "x".repeat(250_000)), status: 1, due: 1 },
};

const ROUTES = [
  ["POST", "/api/auth/signup"],
  ["POST", "/api/auth/signin"],
  ["POST", "/api/auth/signout"],
  ["DELETE", "/api/auth/me"],
  ["POST", "/chat"],
  ["POST", "/api/chat"],
  ["PATCH", "/api/conversations/c"],
  ...["create_task", "list_tasks", "get_task", "update_task", "complete_task", "delete_task"].map(
    (tool) => ["POST", `/mcp/tools/${tool}`] as const,
  ),
] as const;

describe.each(Object.keys(HOSTILE))("no error grows with %s", (name) => {
  const input = HOSTILE[name] ?? {};

  it("over HTTP", async () => {
    for (const [method, path] of ROUTES) {
      const response = await person.send(path, { method, body: input });
      const text = await response.clone().text();

      const isTooLarge = /^.api.(auth|conversations)/.test(path);
      expect(response.status, path).toBe(isTooLarge ? 413 : 400);
      expect(new TextEncoder().encode(text).length, path).toBeLessThanOrEqual(LARGEST_ERROR);
      expect((await problemOf(response)).errors?.length ?? 0, path).toBeLessThanOrEqual(10);
    }
  });

  it.each([
    ["a tool's arguments", "tools/call", { name: "update_task", arguments: input }],
    ["params", "tools/call", input],
    ["a logging level", "logging/setLevel", input],
  ])("JSON-RPC: %s", async (_, method, params) => {
    const answers = [
      await session.post({ jsonrpc: "2.0", id: 1, method, params }),
      await session.post({ jsonrpc: "2.0", id: 2, method, params }, EVENTS),
      await statelessRequest(person, method, params, { "Mcp-Name": String(params.name ?? "") }),
    ];
    for (const answer of answers) expect((await answer.text()).length).toBeLessThanOrEqual(LARGEST_ERROR);
  });

  it("JSON-RPC: what a client says of itself", async () => {
    const response = await person.send("/mcp", {
      method: "POST",
      headers: { Accept: ACCEPT },
      body: {
        jsonrpc: "2.0",
        id: 1,
        method: "initialize",
        params: { ...initializeParams(), capabilities: { experimental: input }, clientInfo: input },
      },
    });
    expect([400, 413]).toContain(response.status);
    expect((await response.text()).length).toBeLessThanOrEqual(LARGEST_ERROR);

    const meta = { "io.modelcontextprotocol/clientCapabilities": { experimental: input, elicitation: input } };
    const stateless = await person.send("/mcp", {
      method: "POST",
      headers: { Accept: ACCEPT, "Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "ping" },
      body: {
        jsonrpc: "2.0",
        id: 1,
        method: "ping",
        params: { _meta: { "io.modelcontextprotocol/protocolVersion": "2026-07-28", ...meta } },
      },
    });
    expect((await stateless.text()).length).toBeLessThanOrEqual(LARGEST_ERROR);
  });
});

describe("what does not fit is named", () => {
  const refusal = async (tool: string, input: Record<string, unknown>) => {
    const { detail, errors } = await problemOf(await person.call(tool, input));
    return { detail, errors };
  };

  it("one unknown field, with those that there are", async () => {
    expect(await refusal("complete_task", { task_id: 1, dueDate: "2026-11-30" })).toEqual({
      detail:
        "Unknown field dueDate. Allowed: task_ids, match, expect_count, atomic, expected_version, claim, note, idempotency_key",
      errors: [{ field: "dueDate", message: "is not a known field" }],
    });
  });

  it("several with what is missing, the known ones once", async () => {
    expect((await refusal("create_task", { name: "Milk", dueDate: "x", "a b": 1 })).detail).toBe(
      'title is required, or tasks with at least one in it. Unknown fields name, dueDate, "a b". ' +
        "Allowed: title, description, status, priority, due, scheduled, estimate_minutes, parent_id, blocked_by, discovered_from, position, recurrence, recurrence_from, tags, subtasks, tasks, atomic, note, idempotency_key",
    );
  });

  it("the first ten of many", async () => {
    const { detail, errors } = await refusal(
      "complete_task",
      entries(9_000, (index) => `k${index}`),
    );

    expect(detail).toBe(
      "task_ids is required, or match. Unknown fields k0, k1, k2, k3, k4, k5, k6, k7, k8 and 8991 more. Allowed: task_ids, match, expect_count, atomic, expected_version, claim, note, idempotency_key",
    );
    expect(errors).toHaveLength(10);
  });

  it("the first ten of many items", async () => {
    const { detail, errors } = await refusal("create_task", { title: "a", tags: Array(15).fill(1), colour: "red" });

    expect(detail).toMatch(/^tags\.0 must be a string; .*; tags\.9 must be a string\. 6 more do not fit$/);
    expect(errors).toHaveLength(10);
  });

  it("a long name by its beginning", async () => {
    const { detail } = await refusal("complete_task", { task_id: 1, ["k".repeat(1_000)]: 0 });

    expect(detail).toBe(
      `Unknown field ${"k".repeat(40)}…. Allowed: task_ids, match, expect_count, atomic, expected_version, claim, note, idempotency_key`,
    );
  });

  it("and to a model just so", async () => {
    const many = entries(2_000, (index) => `k${index}`);
    const { record } = await turnOver([calls(["complete_task", many], ["x".repeat(900), {}]), says("Sorry.")]);
    const outputs = record.requests[1]?.input.flatMap((item) => ("output" in item ? [item.output] : []));

    expect(outputs).toEqual([
      "Error: task_ids is required, or match. Unknown fields k0, k1, k2, k3, k4, k5, k6, k7, k8 and 1991 more. Allowed: task_ids, match, expect_count, atomic, expected_version, claim, note, idempotency_key",
      expect.stringMatching(/^Error: There is no tool x{40}…; the tools are create_task, /),
    ]);
  });

  it("and an unknown tool's name by its beginning", async () => {
    const name = "x".repeat(500_000);
    const answers = [
      await session.post({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name } }),
      await statelessRequest(person, "tools/call", { name: name.slice(0, 5_000) }),
    ];
    for (const answer of answers) {
      expect((await answerOf(answer)).error?.message).toMatch(/Unknown tool: x{40}…$/);
    }
  });
});

describe("what an answer repeats is bounded", () => {
  it.each([
    ["a request", (id: string) => ({ jsonrpc: "2.0", id, method: "ping" })],
    ["one of a batch", (id: string) => [{ jsonrpc: "2.0", id, method: "ping" }]],
  ])("the id of %s", async (_, body) => {
    const response = await session.post(body("x".repeat(257)));

    expect(response.status).toBe(400);
    expect(await answerOf(response)).toMatchObject({
      id: null,
      error: { code: -32600, message: "id must be a whole number or a string of at most 256 characters." },
    });
  });

  it("but an id of 256 characters is taken", async () => {
    const id = "x".repeat(256);
    expect(await answerOf(await session.post({ jsonrpc: "2.0", id, method: "ping" }))).toMatchObject({
      id,
      result: {},
    });
  });
});

describe("what would take long to look at is not looked at", () => {
  const TOO_MANY = "The body may have 10000 values at most.";
  const keys = JSON.stringify(entries(20_000, (index) => `k${index}`));

  it.each([
    ["keys", keys],
    ["items", `{"title":"a","tags":[${"1,".repeat(100_000)}1]}`],
    ["objects", `{"title":"a","tags":[${"{},".repeat(80_000)}1]}`],
  ])("240 KB of %s", async (_, body) => {
    for (const path of ["/mcp/tools/create_task", "/chat"]) {
      const response = await person.send(path, { method: "POST", body });

      expect(response.status).toBe(400);
      expect((await problemOf(response)).detail).toBe(TOO_MANY);
    }
    const response = await session.post(`{"jsonrpc":"2.0","id":1,"method":"ping","params":${body}}`);
    expect(response.status).toBe(400);
    expect((await answerOf(response)).error).toEqual({ code: -32600, message: TOO_MANY });
  });

  it("but text that only looks like that is", async () => {
    const description = '{"a":[1,2]},\\"'.repeat(600);
    expect(await person.runForTask("create_task", { title: "a", description })).toMatchObject({ description });
  });
});
