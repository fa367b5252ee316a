import { expect } from "vitest";
import { z } from "zod";
import { type MixedReleases, RELEASE_HEADER, type Release } from "./mixed-releases.ts";
import { calls, Script, says } from "./scripted-model.ts";

const PROTOCOL = "2025-11-25";

/** What signing in answers. */
export const tokenSchema = z.object({ token: z.string() });
const tasksSchema = z.object({ tasks: z.array(z.looseObject({ id: z.int(), title: z.string(), version: z.int() })) });
const messageSchema = z.object({
  result: z.looseObject({ isError: z.boolean().optional(), structuredContent: z.unknown() }),
});
const chatSchema = z.object({
  response: z.string(),
  conversation_id: z.string(),
  approval_required: z.tuple([z.object({ id: z.string() })]).optional(),
  error: z.unknown().optional(),
});

/** A question of the agent's that is open, and the task that it is about. */
export interface Question {
  readonly conversation: string;
  readonly approval: string;
  readonly title: string;
}

/** What one person does by way of both releases, and what has come of it. */
export class ReleaseStory {
  readonly releases: MixedReleases;
  /** Every request that failed for a reason of the server's own. */
  readonly failures: string[] = [];
  /** The titles of the tasks that were acknowledged, and not deleted since. */
  readonly titles = new Set<string>();
  #token: string | undefined;
  #lastTitle = 0;

  constructor(releases: MixedReleases) {
    this.releases = releases;
  }

  /** Makes the person's account, where they have none yet. */
  async signUpOnce(): Promise<void> {
    if (this.#token !== undefined) return;
    const body = { email: "releases@example.com", password: "TestPass123" };
    const response = await this.send("before", "POST", "/api/auth/signup", body, { Authorization: "" });
    this.#token = tokenSchema.parse(await response.json()).token;
  }

  /** A title that no task has yet. */
  newTitle(): string {
    this.#lastTitle += 1;
    return `Task ${this.#lastTitle}`;
  }

  /** Sends a request that a release is to answer. */
  async send(release: Release, method: string, path: string, body?: unknown, headers = {}): Promise<Response> {
    const response = await fetch(`${this.releases.url}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${this.#token}`,
        "Content-Type": "application/json",
        [RELEASE_HEADER]: release,
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (response.status >= 500) {
      this.failures.push(`${release}: ${method} ${path}: ${response.status} ${await response.clone().text()}`);
    }
    return response;
  }

  /** Runs a tool by plain HTTP. */
  async call(release: Release, tool: string, input: object, headers = {}) {
    const response = await this.send(release, "POST", `/mcp/tools/${tool}`, input, headers);
    const answer: unknown = await response.json();
    expect(response.status, `${release}: ${tool}: ${JSON.stringify(answer)}`).toBe(200);
    return tasksSchema.parse(answer).tasks;
  }

  /** Sends a message of the 2025 protocols. */
  rpc(release: Release, session: string | undefined, method: string, params: object): Promise<Response> {
    const headers = { Accept: "application/json, text/event-stream", ...(session && { "Mcp-Session-Id": session }) };
    return this.send(release, "POST", "/mcp", { jsonrpc: "2.0", id: 1, method, params }, headers);
  }

  /** @returns the session's id */
  async openSession(release: Release): Promise<string> {
    const clientInfo = { name: "test", version: "1.0.0" };
    const response = await this.rpc(release, undefined, "initialize", {
      protocolVersion: PROTOCOL,
      capabilities: {},
      clientInfo,
    });
    const text = await response.text();
    expect(response.status, text).toBe(200);
    return z.string().parse(response.headers.get("Mcp-Session-Id"));
  }

  /** Creates a task in a session. @returns the text of the answer, as it was streamed */
  async createIn(session: string, release: Release): Promise<string> {
    const title = this.newTitle();
    const { text, tasks } = await this.#callIn(session, release, "create_task", { title });
    expect(tasks).toMatchObject([{ title }]);
    this.titles.add(title);
    return text;
  }

  /** Lists tasks in a session, which this release answers without its object. @returns how many */
  async listIn(session: string, release: Release): Promise<number> {
    return (await this.#callIn(session, release, "list_tasks", {})).tasks.length;
  }

  async #callIn(session: string, release: Release, name: string, input: object) {
    const response = await this.rpc(release, session, "tools/call", { name, arguments: input });
    const text = await response.text();
    expect(response.status, `${release}: ${text}`).toBe(200);
    const { result } = messageSchema.parse(JSON.parse(/^data: (\{.*)$/m.exec(text)?.[1] ?? text));
    return { text, tasks: tasksSchema.parse(result.structuredContent).tasks };
  }

  /** Says something to the agent. */
  async chat(release: Release, body: object) {
    const response = await this.send(release, "POST", "/chat", body);
    const answer: unknown = await response.json();
    expect(response.status, `${release}: ${JSON.stringify(answer)}`).toBe(200);
    expect(answer).not.toHaveProperty("error");
    return chatSchema.parse(answer);
  }

  /** Has the agent ask whether it may delete a task. */
  async ask(release: Release): Promise<Question> {
    const title = this.newTitle();
    const [task] = await this.call(release, "create_task", { title });
    this.titles.add(title);
    const script = await Script.write([calls(["delete_task", { task_id: task?.id }]), says("Deleted.")]);
    const { conversation_id, approval_required } = await this.chat(release, { message: `Delete it ${script.mark}` });
    const approval = z.string().parse(approval_required?.[0].id);
    return { conversation: conversation_id, approval, title };
  }

  /** Answers a question of the agent's with yes. */
  async answerYes(release: Release, { conversation, approval, title }: Question): Promise<void> {
    const body = { conversation_id: conversation, approval: { id: approval, approved: true } };
    expect((await this.chat(release, body)).response).toBe("Deleted.");
    this.titles.delete(title);
  }
}
