import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openDatabase } from "../../src/database/database.ts";
import { runInExchange } from "../../src/mcp/exchange.ts";
import { JsonRpcError } from "../../src/mcp/json-rpc.ts";
import type { Method } from "../../src/mcp/methods.ts";
import { PlainRequests } from "../../src/mcp/session/plain-requests.ts";
import { createLogger } from "../../src/observability/log.ts";

/** What was sent. */
const sent: JSONRPCMessage[] = [];
/** Of the requests for `wait`, whose answers do not come. */
const signals: AbortSignal[] = [];

const methods = new Map<string, Method>([
  ["echo", { answer: (params) => params }],
  ["refuse", { answer: () => Promise.reject(new JsonRpcError("invalidParams", "No.")) }],
  ["break", { answer: () => Promise.reject(new TypeError("what a task says")) }],
  [
    "wait",
    {
      answer: (_, signal) => {
        signals.push(signal);
        return new Promise((resolve) => signal.addEventListener("abort", () => resolve({})));
      },
    },
  ],
]);

let requests: PlainRequests;

beforeEach(() => {
  sent.length = 0;
  signals.length = 0;
  requests = new PlainRequests(methods, async (message) => {
    sent.push(message);
  });
});

afterEach(() => vi.restoreAllMocks());

const request = (method: string, params?: Record<string, unknown>, id: string | number = 1) =>
  ({ jsonrpc: "2.0", id, method, ...(params !== undefined && { params }) }) as const;

it.each([
  [request("echo", { name: "x" }, "a"), { result: { name: "x" }, jsonrpc: "2.0", id: "a" }],
  [request("echo"), { result: {}, jsonrpc: "2.0", id: 1 }],
  [request("refuse"), { jsonrpc: "2.0", id: 1, error: { code: -32602, message: "No." } }],
])("answers %j", async (message, answer) => {
  expect(requests.take(message)).toBe(true);
  await vi.waitFor(() => expect(sent).toEqual([answer]));
});

it.each<[string, JSONRPCMessage]>([
  ["a method that is not ours", request("ping")],
  ["what may want to hear of progress", request("echo", { _meta: { progressToken: 1 } })],
  ["what wants a task", request("echo", { task: { ttl: 1 } })],
  ["a notification", { jsonrpc: "2.0", method: "echo" }],
  ["an answer", { jsonrpc: "2.0", id: 1, result: {} }],
])("leaves %s to the SDK's server", (_, message) => {
  expect(requests.take(message)).toBe(false);
});

it("gives up what its client cancels, and answers nothing", async () => {
  requests.take(request("wait", {}, 1));
  requests.take(request("wait", {}, 2));
  requests.cancel(1);
  requests.cancel(3);
  await Promise.resolve();

  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  expect(sent).toEqual([]);
});

it("takes an id again that was cancelled, and cancels the request that has it then", async () => {
  requests.take(request("wait"));
  requests.cancel(1);
  requests.take(request("wait"));
  // The first one has come to its end by now.
  await vi.waitFor(() => expect(signals).toHaveLength(2));
  requests.cancel(1);

  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
});

describe("what nobody has foreseen is logged", () => {
  const caller = {
    userId: 1,
    credential: { kind: "sign_in", id: "token", issuedAt: new Date(), expiresAt: new Date() },
    access: "full",
  } as const;
  const exchange = {
    caller,
    database: openDatabase("postgres://nobody@localhost/none", undefined, 10).as(caller, {
      via: "mcp",
      requestId: "r",
    }),
    log: createLogger("error"),
    cursorSettings: { JWT_SECRET: "a secret of the tests, 32 characters", SIGN_CURSORS: "on" },
    onSignedOut: () => undefined,
  } as const;
  const internal = expect.stringContaining('"event":"error","kind":"internal"');

  it("and answered with nothing of it", async () => {
    const logged = vi.spyOn(console, "log").mockReturnValue();
    runInExchange(exchange, () => requests.take(request("break")));

    const error = { code: -32603, message: "Something went wrong on our side." };
    await vi.waitFor(() => expect(sent).toEqual([{ jsonrpc: "2.0", id: 1, error }]));
    expect(logged.mock.calls).toEqual([[internal]]);
  });

  it("also where the answer cannot be sent", async () => {
    const logged = vi.spyOn(console, "log").mockReturnValue();
    requests = new PlainRequests(methods, () => Promise.reject(new TypeError("no room")));
    runInExchange(exchange, () => requests.take(request("echo")));

    await vi.waitFor(() => expect(logged.mock.calls).toEqual([[internal]]));
  });
});

it("gives up everything when the session ends", () => {
  requests.take(request("wait", {}, 1));
  requests.take(request("wait", {}, 2));
  requests.close();

  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
});
