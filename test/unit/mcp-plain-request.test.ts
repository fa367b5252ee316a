import { describe, expect, it } from "vitest";
import { isEnvelopeKnown, learnEnvelope, readPlainRequest } from "../../src/mcp/stateless/plain-request.ts";

const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "test", version: "1.0.0" },
  "io.modelcontextprotocol/clientCapabilities": {},
};

/** Reads a request whose headers say what its body does, but for those that are given. */
function read(method: string, params: Record<string, unknown>, headers: Record<string, string> = {}) {
  const name = typeof params.name === "string" ? { "Mcp-Name": params.name } : {};
  const standard = { "Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": method, ...name };
  return readPlainRequest(
    { jsonrpc: "2.0", id: 7, method, params: { _meta: META, ...params } },
    new Headers({ ...standard, ...headers }),
  );
}

describe("is answered without the SDK", () => {
  it("a list of tools", () => {
    expect(read("tools/list", {})).toEqual({ method: "tools/list", id: 7, envelope: JSON.stringify(META) });
  });

  it.each([
    ["without arguments", undefined, {}],
    ["with arguments", { limit: 1 }, { limit: 1 }],
    ["with arguments as text", '{"limit": 1}', { limit: 1 }],
  ])("a call %s", (_, given, input) => {
    const call = { name: "list_tasks", ...(given !== undefined && { arguments: given }) };
    expect(read("tools/call", call)).toEqual({
      method: "tools/call",
      id: 7,
      name: "list_tasks",
      input,
      envelope: JSON.stringify(META),
    });
  });
});

describe("is left to the SDK", () => {
  it.each([
    ["another method", "prompts/list", {}, {}],
    ["a list from a cursor", "tools/list", { cursor: "x" }, {}],
    ["an unknown tool", "tools/call", { name: "drop_tasks" }, {}],
    ["a call without a name", "tools/call", {}, {}],
    ["arguments that are no object", "tools/call", { name: "list_tasks", arguments: [] }, {}],
    ["an answer to what was asked", "tools/call", { name: "list_tasks", inputResponses: {} }, {}],
    ["what wants to hear of progress", "tools/call", { name: "list_tasks", _meta: { ...META, progressToken: 1 } }, {}],
    ["no _meta", "tools/list", { _meta: undefined }, {}],
    ["another method in the header", "tools/list", {}, { "Mcp-Method": "tools/call" }],
    ["another name in the header", "tools/call", { name: "list_tasks" }, { "Mcp-Name": "get_task" }],
    ["another version in the header", "tools/list", {}, { "Mcp-Protocol-Version": "2099-01-01" }],
    ["another version in the body", "tools/list", { _meta: { ...META, ...versionOf("2099-01-01") } }, {}],
  ])("%s", (_, method, params, headers) => {
    expect(read(method, params, headers)).toBeUndefined();
  });
});

it("need not be tested by the SDK where that has accepted the same envelope, and only that", () => {
  // Another test of this isolate may have had the others accepted.
  const mine = { ...META, "io.modelcontextprotocol/clientInfo": { name: crypto.randomUUID(), version: "1.0.0" } };
  const first = read("tools/list", { _meta: mine });
  const other = read("tools/list", { _meta: { ...META, "io.modelcontextprotocol/clientInfo": 1 } });
  if (first === undefined || other === undefined) throw new Error("not plain");
  expect(isEnvelopeKnown(first)).toBe(false);
  learnEnvelope(first);

  expect(read("tools/call", { name: "list_tasks", _meta: mine })).toSatisfy(isEnvelopeKnown);
  expect(isEnvelopeKnown(other)).toBe(false);
});

it("is left to the SDK with a member that JSON-RPC does not have", () => {
  const headers = { "Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list" };
  const message = { jsonrpc: "2.0", id: 7, method: "tools/list", params: { _meta: META } };

  expect(readPlainRequest(message, new Headers(headers))).toBeDefined();
  expect(readPlainRequest({ ...message, result: {} }, new Headers(headers))).toBeUndefined();
});

function versionOf(version: string) {
  return { "io.modelcontextprotocol/protocolVersion": version };
}
