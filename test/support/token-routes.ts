import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import { z } from "zod";
import { app } from "../../src/app.ts";
import { ORIGIN, PASSWORD, type Person, send } from "./person.ts";

/** Where a person makes, lists and cuts off personal tokens. */
export const TOKENS_PATH = "/api/auth/tokens";

const keptSchema = z.strictObject({
  id: z.uuid(),
  name: z.string(),
  scopes: z.array(z.string()).nullable(),
  created_at: z.iso.datetime(),
  expires_at: z.iso.datetime().nullable(),
  last_used_at: z.iso.datetime().nullable(),
  last_client: z.string().nullable(),
});
const madeSchema = keptSchema.extend({ token: z.string() });

/** Makes a personal token as its person does. */
export async function makeToken(
  own: Person,
  input: Record<string, unknown> = {},
): Promise<z.output<typeof madeSchema>> {
  const response = await own.send(TOKENS_PATH, {
    method: "POST",
    body: { name: "Laptop", password: PASSWORD, ...input },
  });
  expect(response.status).toBe(201);
  expect(response.headers.get("Cache-Control")).toBe("no-store");
  return madeSchema.parse(await response.json());
}

/** The personal tokens of a person, as they are listed. */
export async function listTokens(own: Person): Promise<z.output<typeof keptSchema>[]> {
  const listed = await (await own.send(TOKENS_PATH)).json();
  return z.strictObject({ tokens: z.array(keptSchema) }).parse(listed).tokens;
}

/** What a request carries that brings a token. */
export const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });

/** Runs a tool by HTTP for who brings a token. */
export function runBy(token: string, tool: string, input: unknown): Promise<Response> {
  return send(`/mcp/tools/${tool}`, { method: "POST", body: input, ...bearer(token) });
}

/** Asks a worker that has other variables. */
export async function askWith(
  variables: Record<string, string | undefined>,
  path: string,
  headers: Record<string, string>,
  body?: unknown,
): Promise<Response> {
  const request = new Request(new URL(path, ORIGIN), {
    method: body === undefined ? "GET" : "POST",
    headers: { "Content-Type": "application/json", ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const context = createExecutionContext();
  const response = await app.fetch(request, { ...env, ...variables }, context);
  await waitOnExecutionContext(context);
  return response;
}
