import { env, exports } from "cloudflare:workers";
import { scryptSync } from "node:crypto";
import { expect } from "vitest";
import { z } from "zod";
import { type User, userSchema } from "../../src/auth/accounts.ts";
import { issueToken, SESSION_TOKEN_LIFETIME } from "../../src/auth/token.ts";
import { readConfiguration } from "../../src/config.ts";
import { wholeTaskSchema } from "../../src/tasks/task.ts";
import { toolNamed } from "../../src/tools/catalog.ts";
import { listedTaskSchema } from "../../src/tools/listed-task.ts";
import { digestSchema } from "../../src/tools/task-digest.ts";
import { ownerQuery } from "./owner.ts";
import { insertPersonalToken } from "./personal-token.ts";

/** Where the worker of the tests believes to be. */
export const ORIGIN = readConfiguration(env).BASE_URL;

export const PASSWORD = "TestPass123";

/** A hash carries its own cost, and this one's is next to nothing. */
const CHEAP_HASH = (() => {
  const encode = (bytes: Buffer) => bytes.toString("base64").replaceAll("=", "");
  const salt = Buffer.from("salt of the tests");
  return `$scrypt$ln=1,r=1,p=1$${encode(salt)}$${encode(scryptSync(PASSWORD, salt, 32, { N: 2, r: 1, p: 1 }))}`;
})();

const sessionSchema = z.strictObject({
  token: z.string(),
  token_type: z.literal("Bearer"),
  expires_in: z.number(),
  user: z.strictObject({ id: z.int(), email: z.email(), name: z.string(), time_zone: z.string() }),
});

const countsSchema = z.array(z.strictObject({ name: z.string(), count: z.string() }));

const endedTaskSchema = listedTaskSchema
  .pick({ id: true, title: true, status: true, due: true, version: true, completed_at: true })
  .strict();

const resultSchema = z.strictObject({
  tasks: z.array(z.union([wholeTaskSchema, wholeTaskSchema.extend({ cut: z.literal(true) }), listedTaskSchema])),
  // Sentences, as the data has no lines that would go on with them.
  note: z.string().endsWith(".").optional(),
  change: z.int().min(0).optional(),
  history: z.array(z.string()).optional(),
  before_change: z.int().min(1).optional(),
  more: z.union([z.literal(true), z.int()]).optional(),
  reset: z.literal(true).optional(),
  now: z.iso.datetime({ offset: true }).optional(),
  time_zone: z.string().optional(),
  next_cursor: z.string().optional(),
  failed: z
    .array(
      z.strictObject({
        task_id: z.int().optional(),
        index: z.int().optional(),
        error: z.string(),
        message: z.string(),
      }),
    )
    .optional(),
  total: z.string().optional(),
  tags: countsSchema.optional(),
  groups: countsSchema.optional(),
  more_groups: z.string().optional(),
  digest: digestSchema.optional(),
  replayed: z.literal(true).optional(),
});

const problemSchema = z.strictObject({
  type: z.literal("about:blank"),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  errors: z.array(z.strictObject({ field: z.string(), message: z.string() })).optional(),
  request_id: z.string(),
});

/** An address that no other test sends from, so that no test uses up another's rate limit. */
export function newAddress(): string {
  const [a, b, c] = crypto.getRandomValues(new Uint8Array(3));
  return `10.${a}.${b}.${c}`;
}

interface RequestOptions extends Omit<RequestInit, "body" | "headers"> {
  /** A body that is not a string goes as JSON. */
  readonly body?: unknown;
  /** A body that goes as it is, without saying how long it is. */
  readonly rawBody?: ReadableStream | Uint8Array<ArrayBuffer>;
  readonly headers?: Record<string, string>;
}

/** Sends a request to the worker. */
export function send(path: string, { body, rawBody, headers, ...init }: RequestOptions = {}): Promise<Response> {
  const text = typeof body === "string" || body === undefined ? body : JSON.stringify(body);
  return exports.default.fetch(new URL(path, ORIGIN), {
    ...init,
    headers: {
      "CF-Connecting-IP": newAddress(),
      ...(body !== undefined && { "Content-Type": "application/json" }),
      ...headers,
    },
    body: rawBody ?? text ?? null,
  });
}

/** Reads a problem document, and checks that it is one and says what its answer says. */
export async function problemOf(response: Response): Promise<z.output<typeof problemSchema>> {
  expect(response.headers.get("Content-Type")).toBe("application/problem+json");
  const problem = problemSchema.parse(await response.json());
  expect(problem.status).toBe(response.status);
  expect(problem.request_id).toBe(response.headers.get("X-Request-Id"));
  return problem;
}

/** What is wrong with the fields of a call that is refused as invalid. */
export async function refusalOf(response: Response) {
  expect(response.status, await response.clone().text()).toBe(400);
  return (await problemOf(response)).errors;
}

/** Someone with an account of their own, signed in. */
export class Person {
  readonly session: z.output<typeof sessionSchema>;

  private constructor(session: z.output<typeof sessionSchema>) {
    this.session = session;
  }

  /** Makes an account in the database, whose hash is a cheap one of `PASSWORD`: nearly every test has somebody new. */
  static async signUp({ name, time_zone = "UTC" }: { name?: string; time_zone?: string } = {}): Promise<Person> {
    const email = `${crypto.randomUUID()}@example.com`;
    const [user] = await ownerQuery(
      "select * from sign_up($1, $2, $3, $4, gen_random_uuid(), now() + interval '1 minute')",
      [email, name ?? email, time_zone, CHEAP_HASH],
    );
    return Person.#withToken(userSchema.parse(user));
  }

  /** Makes an account as everybody does, at the full cost of a hash: a third of a second of a core. */
  static async signUpByHttp(account: Record<string, unknown> = {}): Promise<Person> {
    const email = `${crypto.randomUUID()}@example.com`;
    const response = await send("/api/auth/signup", {
      method: "POST",
      body: { email, password: PASSWORD, ...account },
    });
    expect(response.status).toBe(201);
    return new Person(sessionSchema.parse(await response.json()));
  }

  static async #withToken(user: User): Promise<Person> {
    const { JWT_SECRET: secret, BASE_URL: issuer } = readConfiguration(env);
    const { token } = await issueToken(user.id, SESSION_TOKEN_LIFETIME, { secret, issuer });
    return new Person({ token, token_type: "Bearer", expires_in: SESSION_TOKEN_LIFETIME, user });
  }

  /** The same person with another token. */
  signInAgain(): Promise<Person> {
    return Person.#withToken(this.session.user);
  }

  /** The same person with a personal token, which may do what these scopes allow. */
  async withScopes(scopes: readonly string[]): Promise<Person> {
    const { token } = await insertPersonalToken(this.id, scopes);
    return new Person({ ...this.session, token });
  }

  get id(): number {
    return this.session.user.id;
  }

  get authorization(): { Authorization: string } {
    return { Authorization: `Bearer ${this.session.token}` };
  }

  send(path: string, init: RequestOptions = {}): Promise<Response> {
    return send(path, { ...init, headers: { ...this.authorization, ...init.headers } });
  }

  /** Runs a tool over HTTP, whatever it answers. */
  call(tool: string, input: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return this.send(`/mcp/tools/${tool}`, { method: "POST", body: input, headers });
  }

  /** Runs a tool that must succeed, with an answer as its output schema has it. */
  async run(tool: string, input: Record<string, unknown> = {}): Promise<z.output<typeof resultSchema>> {
    const response = await this.call(tool, input);
    const answer: unknown = await response.json();
    expect(response.status, JSON.stringify(answer)).toBe(200);
    expect(toolNamed(tool).output.safeParse(answer).error).toBeUndefined();
    return resultSchema.parse(answer);
  }

  /** Runs a tool that must answer one task. */
  async runForTask(tool: string, input: Record<string, unknown>): Promise<z.output<typeof wholeTaskSchema>> {
    const { tasks } = await this.run(tool, input);
    expect(tasks).toHaveLength(1);
    return z.tuple([wholeTaskSchema]).parse(tasks)[0];
  }

  /** Completes or deletes a task, and gives what is answered of it. */
  async endTask(tool: "complete_task" | "delete_task", input: { task_id: number; claim?: number | undefined }) {
    const { tasks } = await this.run(tool, input);
    return z.tuple([endedTaskSchema]).parse(tasks)[0];
  }
}
