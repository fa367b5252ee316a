import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { z } from "zod";
import { clientInfo, type ToolClient } from "./open-client.ts";

type CodexProcess = ChildProcessByStdio<Writable, Readable, null>;

const answerSchema = z.object({ id: z.int(), result: z.unknown().optional(), error: z.unknown().optional() });
const threadSchema = z.object({ thread: z.object({ id: z.string() }) });
const statusSchema = z.object({
  data: z.array(z.object({ name: z.string(), tools: z.record(z.string(), z.unknown()) })),
});
const calledSchema = z.object({ structuredContent: z.unknown() });

/** What Codex's own windows ask Codex, by JSON-RPC on stdio: there a tool is called without a model. */
export class CodexServer implements ToolClient {
  readonly #process: CodexProcess;
  readonly #waiting = new Map<number, (answer: z.output<typeof answerSchema>) => void>();
  #asked = 0;
  #thread = "";

  private constructor(codex: CodexProcess) {
    this.#process = codex;
    createInterface({ input: codex.stdout })
      .on("line", (line) => {
        const answer = answerSchema.safeParse(JSON.parse(line));
        if (answer.success) this.#waiting.get(answer.data.id)?.(answer.data);
      })
      .on("close", () => {
        for (const [id, answer] of this.#waiting) answer({ id, error: "Codex has ended" });
      });
  }

  /** Starts it by a command of `env`, and a conversation in which it has the servers of its configuration. */
  static async start(command: readonly string[], home: string): Promise<CodexServer> {
    const codex = spawn("env", command, { cwd: home, stdio: ["pipe", "pipe", "ignore"] });
    const server = new CodexServer(codex);
    await server.#ask("initialize", { clientInfo });
    server.#send({ method: "initialized" });
    const { thread } = threadSchema.parse(await server.#ask("thread/start", { ephemeral: true }));
    server.#thread = thread.id;
    return server;
  }

  async list(): Promise<string[]> {
    const { data } = statusSchema.parse(await this.#ask("mcpServerStatus/list", {}));
    return Object.keys(data.find(({ name }) => name === "tasks")?.tools ?? {});
  }

  async call(tool: string, input: Record<string, unknown>): Promise<unknown> {
    const call = { threadId: this.#thread, server: "tasks", tool, arguments: input };
    return calledSchema.parse(await this.#ask("mcpServer/tool/call", call)).structuredContent;
  }

  async close(): Promise<void> {
    this.#process.stdin.end();
    await once(this.#process, "close");
  }

  async #ask(method: string, params: unknown): Promise<unknown> {
    const id = ++this.#asked;
    const answered = new Promise<z.output<typeof answerSchema>>((resolve) => this.#waiting.set(id, resolve));
    this.#send({ id, method, params });
    const { result, error } = await answered;
    if (error !== undefined) throw new Error(`Codex's ${method}: ${JSON.stringify(error)}`);
    return result;
  }

  #send(message: unknown): void {
    this.#process.stdin.write(`${JSON.stringify(message)}\n`);
  }
}
