import { createServer, type Server } from "node:http";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { listenOnLoopback } from "../../local/loopback-server.ts";
import { AcceptedChecks } from "../../ops/runbook/accepted-checks.ts";
import { Deployment } from "../../ops/runbook/deployment.ts";
import { acceptableSmokeChecks, describeFailed, runSmoke, smokeChecks } from "../../ops/runbook/smoke/smoke.ts";

describe("smoke tests", () => {
  let close = async (): Promise<void> => undefined;
  afterEach(() => close());

  /** A server that is healthy, and answers everything else as it is told. */
  async function deploymentWhere(answer: (path: string, body: string) => { status: number; body?: unknown }) {
    const server: Server = createServer(async (request, response) => {
      const path = request.url ?? "";
      const health = { status: 200, body: { status: "healthy", database: "connected", version: "" } };
      const { status, body } = path === "/health" ? health : answer(path, await text(request));
      response.writeHead(status).end(JSON.stringify(body));
    });
    const listening = await listenOnLoopback(server);
    close = () => listening.close();
    return new Deployment(listening.url, "worker");
  }

  it("report every check as failed that could not be run, whatever is accepted", async () => {
    const deployment = await deploymentWhere(() => ({ status: 500, body: {} }));
    const accepted = AcceptedChecks.read(["sign in=known", "chat=no key"], acceptableSmokeChecks);
    const results = await runSmoke(deployment, accepted, (_, make) => make());

    expect(results.map(({ check }) => check)).toEqual([...smokeChecks]);
    expect(results.filter(({ status }) => status === "done").map(({ check }) => check)).toEqual([
      "health",
      "cleaned up",
    ]);
    expect(results.filter(({ status }) => status === "accepted")).toEqual([]);
    expect(results[1]).toMatchObject({
      check: "sign up",
      status: "failed",
      evidence: expect.stringMatching(/^sign-up: 500/),
    });
    expect(describeFailed(results)).toMatch(
      /^sign up \(sign-up: 500.*\); sign in, six tools, .*, sign out \(could not be run, as there are no accounts\)$/,
    );
  });

  it("have a failure that is accepted as accepted, and not as passed", async () => {
    let id = 0;
    const deployment = await deploymentWhere((path) => {
      if (path !== "/api/auth/signup") return { status: path === "/api/auth/me" ? 204 : 500, body: {} };
      id += 1;
      return { status: 201, body: { token: `token ${id}`, user: { id, email: "a@example.com" } } };
    });
    const accepted = AcceptedChecks.read(["chat=no key"], acceptableSmokeChecks);
    const results = await runSmoke(deployment, accepted, (_, make) => make());

    expect(results.find(({ check }) => check === "sign up")?.status).toBe("done");
    expect(results.find(({ check }) => check === "chat")).toMatchObject({
      status: "accepted",
      evidence: expect.stringMatching(/^no key: POST \/chat: 500/),
    });
    expect(results.find(({ check }) => check === "create task")?.status).toBe("failed");
  });

  it("are not accepted without accounts", () => {
    expect(() => AcceptedChecks.read(["sign up=known"], acceptableSmokeChecks)).toThrow(
      '--accept "sign up" is not one of: health, sign in',
    );
  });
});
