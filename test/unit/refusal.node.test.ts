import { describe, expect, it } from "vitest";
import { ApplicationError } from "../../src/errors.ts";
import { refusedResponse } from "../../src/mcp/session/complete-response.ts";
import { fromRefusal, toRefusal } from "../../src/refusal.ts";

const away = new ApplicationError("unavailable", "The database cannot be reached.", { retryAfter: 5 });

describe("a refusal", () => {
  it("is the error again in the worker, and is not logged there once more", () => {
    const { kind, message, fields, retryAfter, isLogged } = fromRefusal(structuredClone(toRefusal(away)));

    expect({ kind, message, fields, retryAfter, isLogged }).toEqual({
      kind: "unavailable",
      message: "The database cannot be reached.",
      fields: [],
      retryAfter: 5,
      isLogged: true,
    });
  });

  it("of a kind that only a later release knows is a fault of ours", () => {
    const { kind, ...rest } = toRefusal(away);
    expect(fromRefusal(JSON.parse(JSON.stringify({ kind: "teapot", ...rest }))).kind).toBe("internal");
  });

  it("of a session's object is a whole answer for a worker of the release before", () => {
    expect(refusedResponse(away)).toMatchObject({
      status: 503,
      headers: { "content-type": "application/json", "retry-after": "5" },
      body: '{"jsonrpc":"2.0","error":{"code":-32603,"message":"The database cannot be reached."},"id":null}',
    });
    expect(refusedResponse(new ApplicationError("unauthenticated", "Signed out."))).toMatchObject({
      status: 401,
      body: "",
    });
  });
});
