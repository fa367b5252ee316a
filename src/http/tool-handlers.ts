import { describeCatalog } from "../tools/catalog.ts";
import { runTool } from "../tools/run-tool.ts";
import type { ApplicationContext } from "./application.ts";
import { readIdempotencyKey } from "./idempotency-key.ts";
import { readJsonBody } from "./json-body.ts";

/** Answers with the tools that there are. */
export function answerTools(context: ApplicationContext): Response {
  return context.json({ tools: describeCatalog() });
}

/** Runs a tool with the body as its input. */
export async function answerCall(context: ApplicationContext, name: string): Promise<Response> {
  const idempotencyKey = readIdempotencyKey(context);
  const input = await readJsonBody(context);
  const { structured } = await runTool(name, input, {
    caller: context.get("caller"),
    database: context.get("userDatabase"),
    log: context.get("log"),
    cursorSettings: context.get("configuration"),
    idempotencyKey,
    signal: context.req.raw.signal,
  });
  return context.json(structured);
}
