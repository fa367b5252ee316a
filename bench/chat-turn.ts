import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";

// How long the agent itself takes for a turn, the model's time left out: `npm start` with the demo model as it is,
// DATABASE_URL as it is set. The worker measures itself; beside it stand what a client sees of the whole turn, and
// what one tool call takes in the same run, which is one request to the database: a turn makes two of its own.
//
//   node bench/chat-turn.ts [turns of each kind]

const PORT = 8793;
const TURNS_A_USER = 24;
const LIMIT_MILLISECONDS = 25;

const kinds = [
  { name: "words only", message: "Hello there" },
  { name: "one call", message: "show my tasks" },
  { name: "three calls", message: "add milk, eggs and bread to groceries" },
] as const;

const lineSchema = z.object({
  event: z.literal("chat_turn"),
  outcome: z.string(),
  agent_ms: z.number(),
  model_ms: z.number(),
});
const toolSchema = z.object({
  event: z.literal("tool_execution"),
  tool: z.literal("list_tasks"),
  duration_ms: z.number(),
});
const sessionSchema = z.object({ token: z.string() });

const url = `http://127.0.0.1:${PORT}`;
const turns = Number(process.argv[2] ?? 100);
const directory = await mkdtemp(join(tmpdir(), "tasks-bench-"));
const server = spawn(process.execPath, ["local/start.ts"], {
  env: { ...process.env, PORT: String(PORT), DATA_DIR: directory, OPENAI_API_KEY: "" },
  stdio: ["ignore", "pipe", "inherit"],
});
try {
  for await (const chunk of server.stdout) if (String(chunk).includes("Ctrl-C stops it")) break;
  const all: number[] = [];
  for (const { name, message } of kinds) {
    const before = (await logLines(lineSchema)).length;
    const toolsBefore = (await logLines(toolSchema)).length;
    const wall: number[] = [];
    for (let turn = 0; turn < turns; turn += TURNS_A_USER) {
      const token = await signUp();
      for (let count = 0; count < Math.min(TURNS_A_USER, turns - turn); count += 1) {
        const startedAt = performance.now();
        await post("/chat", { message }, token);
        wall.push(performance.now() - startedAt);
        if (name !== "one call") await post("/mcp/tools/list_tasks", {}, token);
      }
    }
    const lines = (await logLines(lineSchema)).slice(before);
    const tools = (await logLines(toolSchema)).slice(toolsBefore).map(({ duration_ms }) => duration_ms);
    if (lines.length !== turns || lines.some(({ outcome }) => outcome !== "completed"))
      throw new Error("not every turn completed");
    const agent = lines.map(({ agent_ms }) => agent_ms);
    all.push(...agent);
    console.log(
      `${name}: agent ${describe(agent)}, model ${describe(lines.map(({ model_ms }) => model_ms))}, seen by the client ${describe(wall)}; one tool call ${describe(tools)}`,
    );
  }
  const median = quantile(all, 0.5);
  console.log(
    `${median <= LIMIT_MILLISECONDS ? "within" : "OVER"} ${LIMIT_MILLISECONDS} ms: ${median} ms at the median of all turns`,
  );
  if (median > LIMIT_MILLISECONDS) process.exitCode = 1;
} finally {
  server.kill("SIGINT");
  await once(server, "exit");
  await rm(directory, { recursive: true, force: true });
}

async function post(path: string, body: unknown, token?: string): Promise<unknown> {
  const response = await fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${JSON.stringify(answer)}`);
  return answer;
}

async function signUp(): Promise<string> {
  const email = `${crypto.randomUUID()}@example.com`;
  return sessionSchema.parse(await post("/api/auth/signup", { email, password: "TestPass123" })).token;
}

async function logLines<Line>(schema: z.ZodType<Line>): Promise<Line[]> {
  // The log is written behind the answer.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const lines = (await readFile(join(directory, "worker.log"), "utf8"))
    .split("\n")
    .filter((line) => line.startsWith("{"));
  return lines.flatMap((line) => schema.safeParse(JSON.parse(line)).data ?? []);
}

function describe(values: readonly number[]): string {
  return `${quantile(values, 0.5)} ms (95 %: ${quantile(values, 0.95)})`;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return Math.round((sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN) * 10) / 10;
}
