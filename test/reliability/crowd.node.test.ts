import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { crowdCost, oneHash } from "../support/crowd-cost.ts";
import { type FaultyServer, startFaultyServer } from "../support/fault-proxy/faulty-server.ts";
import { findPostgresql } from "../support/postgresql-cluster.ts";
import { openConnection } from "../support/raw-connection.ts";

// What a crowd costs the worker in workerd: memory, and the patience of everybody else. The large answers of a batch
// are in mcp-batches.node.test.ts.

const MEBIBYTE = 1024 * 1024;
const LARGEST_GROWTH = 150 * MEBIBYTE;
/** How much longer than one hash `/health` may take meanwhile, in milliseconds. */
const LONGEST_BEYOND_HASH = 1_000;
const AT_ONCE = 50;
const BODY = 16 * MEBIBYTE;
const SIGN_INS = 20;

const account = { email: "crowd@example.com", password: "TestPass123" };

const ROUTES = [
  ["POST", "/api/auth/signup"],
  ["POST", "/api/auth/signin"],
  ["POST", "/api/auth/signout"],
  ["DELETE", "/api/auth/me"],
  ["POST", "/mcp/tools/create_task"],
  ["POST", "/mcp"],
  ["POST", "/chat"],
  ["POST", "/api/chat"],
  ["PATCH", "/api/conversations/c"],
] as const;

let server: FaultyServer;
let authorization: { Authorization: string };

function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

/** Signs in from an address, as Cloudflare's edge would name it. */
function signInFrom(address: string, credentials: object): Promise<Response> {
  return post("/api/auth/signin", credentials, { "CF-Connecting-IP": address });
}

const signIn = () => post("/api/auth/signin", account);

/** Sends a chunked body of 16 MiB of `{}`, as much of it as is taken; the status of the answer, where one was read. */
async function sendMuch(index: number, headers: Record<string, string>): Promise<number | undefined> {
  const [method, path] = ROUTES[index % ROUTES.length] ?? ROUTES[0];
  const head = {
    method,
    path,
    headers: { "Content-Type": "application/json", "Transfer-Encoding": "chunked", ...headers },
  };
  const connection = await openConnection(server.url, head, '10\r\n{"messages":[{},\r\n');
  const { socket } = connection;
  const piece = Buffer.from("{},".repeat(21_845));
  const chunk = Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n")]);
  const over = connection.over();
  for (let sent = 0; sent < BODY && socket.writable && connection.received() === ""; sent += piece.length) {
    if (!socket.write(chunk)) await Promise.race([once(socket, "drain").catch(() => undefined), over]);
    // So that an answer is read as soon as it comes.
    await new Promise((resolve) => setImmediate(resolve));
  }
  socket.end("5\r\n{}]}\n\r\n0\r\n\r\n");
  return over;
}

describe.skipIf(findPostgresql() === undefined)("a crowd", () => {
  beforeAll(async () => {
    server = await startFaultyServer();
    const signedUp = await post("/api/auth/signup", account);
    const { token } = z.object({ token: z.string() }).parse(await signedUp.json());
    authorization = { Authorization: `Bearer ${token}` };
    // Whatever is loaded once is loaded now.
    for (let index = 0; index < ROUTES.length; index += 1) await sendMuch(index, authorization);
  });
  afterAll(() => server?.close());

  it.each([
    ["without a token", () => ({})],
    ["with a token", () => authorization],
  ])("that sends 16 MiB of {} to every route, 50 at once, %s", async (_, headers) => {
    const hash = await oneHash(signIn);
    const { result, growth, longestHealth } = await crowdCost(server, () =>
      Promise.all(Array.from({ length: AT_ONCE }, (_, index) => sendMuch(index, headers()))),
    );

    // Where the connection was closed with its body still coming, the answer may be lost.
    for (const status of result) expect([401, 413, 429, undefined]).toContain(status);
    expect(result.filter((status) => status !== undefined).length).toBeGreaterThan(0);
    expect(growth, `${Math.round(growth / MEBIBYTE)} MiB more`).toBeLessThan(LARGEST_GROWTH);
    expect(longestHealth).toBeLessThan(hash + LONGEST_BEYOND_HASH);
  });

  it("that signs in from 20 addresses at once", async () => {
    const before = await oneHash(signIn);
    const { result, growth, longestHealth } = await crowdCost(server, () =>
      Promise.all(Array.from({ length: SIGN_INS }, (_, index) => signInFrom(`192.0.2.${index}`, account))),
    );
    const hash = Math.max(before, await oneHash(signIn));

    const refused = result.filter(({ status }) => status === 503);
    expect(refused.length).toBeGreaterThan(0);
    for (const response of refused) expect(response.headers.get("Retry-After")).toBe("5");
    const signedIn = result.filter(({ status }) => status === 200);
    // One, and eight that wait.
    expect(signedIn.length).toBeGreaterThanOrEqual(9);
    expect(signedIn.length + refused.length).toBe(SIGN_INS);
    expect(growth, `${Math.round(growth / MEBIBYTE)} MiB more`).toBeLessThan(LARGEST_GROWTH);
    expect(longestHealth).toBeLessThan(hash + LONGEST_BEYOND_HASH);
  });

  it("that signs in from one address, ten at once, holds two places, and lets somebody else's sign-in pass", async () => {
    const unknown = () => ({ email: `${crypto.randomUUID()}@example.com`, password: account.password });
    const answered: number[] = [];
    const flood = Array.from({ length: 10 }, async () => {
      const response = await signInFrom("198.51.100.1", unknown());
      answered.push(response.status);
      return response;
    });
    await expect.poll(() => answered.length, { timeout: 5_000, interval: 5 }).toBeGreaterThanOrEqual(8);
    const hashed = () => answered.filter((told) => told === 401).length;
    const hashedBefore = hashed();
    const { status } = await signInFrom("203.0.113.1", account);
    const hashedMeanwhile = hashed() - hashedBefore;
    const refused = (await Promise.all(flood)).filter((response) => response.status === 429);

    expect(status).toBe(200);
    // The one that was being hashed, and the other where its turn had come already.
    expect(hashedMeanwhile).toBeLessThanOrEqual(2);
    // Where one of the two was done, the next has had its place.
    expect(refused.length).toBeGreaterThanOrEqual(6);
    expect(refused.map(({ headers }) => headers.get("Retry-After"))).toEqual(refused.map(() => "5"));
  });
});
