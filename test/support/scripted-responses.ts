import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { listenOnLoopback } from "../../local/loopback-server.ts";
import {
  beginEvents,
  countTokens,
  type OutputItem,
  type ResponsesRequest,
  readResponsesRequest,
  responseEvents,
  saidText,
  sendEvent,
} from "../../local/responses-api.ts";

const outputItemSchema = z.union([
  z.object({ type: z.enum(["text", "reasoning"]), text: z.string() }),
  z.object({ type: z.literal("call"), name: z.string(), arguments: z.string() }),
]);

const stepSchema = z.union([
  z.object({
    output: z.array(outputItemSchema),
    /** In place of a count of the characters. */
    tokens: z.object({ input: z.number(), output: z.number() }).optional(),
    /** Waits, with this many events sent, until the script is released or the client has gone. */
    holdAfter: z.number().optional(),
    /** Breaks the connection with this many events sent. */
    cutAfter: z.number().optional(),
    /** Ends the answer properly with this many events sent. */
    endAfter: z.number().optional(),
    /** Waits so many milliseconds before each event. */
    every: z.number().optional(),
  }),
  /** Sends these events as they are, such as no proper server sends. */
  z.object({
    events: z.array(z.looseObject({ type: z.string() })),
    /** Then waits for the client to go, or breaks the connection. */
    ending: z.enum(["silence", "cut"]).optional(),
  }),
  /** Sends these pieces of a stream as they are, so many milliseconds apart. */
  z.object({ pieces: z.array(z.string()), every: z.number().optional() }),
  z.object({ status: z.number(), headers: z.record(z.string(), z.string()).optional(), body: z.unknown() }),
  /** Takes the request and never answers. */
  z.object({ hang: z.literal(true) }),
  /** Breaks the connection instead of answering. */
  z.object({ breaks: z.literal(true) }),
]);

/** What the stand-in does at one request. */
export type ScriptStep = z.input<typeof stepSchema>;

interface Script {
  readonly steps: readonly z.output<typeof stepSchema>[];
  /** Whether the last step answers all that come after it. */
  readonly repeats: boolean;
  /** Words by which it is found, where nobody can write its mark into the message. */
  readonly said?: string | undefined;
  readonly requests: ResponsesRequest[];
  aborted: number;
  release: () => void;
  released: Promise<void>;
}

const scriptSchema = z.object({ steps: z.array(stepSchema).min(1), repeats: z.boolean(), said: z.string().optional() });
const MARK = /\[script ([\w-]+)\]/g;

/** A server of OpenAI's Responses API that does what tests have written for it. */
export interface ScriptedResponses {
  /** For OPENAI_BASE_URL; tests speak to the same. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Starts the server on loopback. A script is put at `/scripts/{id}`, and found again by `[script {id}]` in what the
 * person said last, or by the words that it names; `{{2}}` in a call's arguments becomes the second task id (`#12`) among the outputs since then, and
 * `{{outputs}}` in a text those outputs.
 */
export async function startScriptedResponses(): Promise<ScriptedResponses> {
  const scripts = new Map<string, Script>();
  const server = createServer((request, response) => {
    route(scripts, request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : new Error(String(error)));
    });
  });
  const { url, close } = await listenOnLoopback(server);
  return {
    url,
    close,
  };
}

async function route(scripts: Map<string, Script>, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === "POST" && request.url === "/responses") return respond(scripts, request, response);
  const [, id = "", action] = /^\/scripts\/([\w-]+)(\/release)?$/.exec(request.url ?? "") ?? [];
  if (request.method === "PUT") {
    const script = scriptSchema.parse(JSON.parse(await text(request)));
    scripts.set(id, { ...script, requests: [], aborted: 0, ...newGate() });
    return void response.writeHead(204).end();
  }
  const script = scripts.get(id);
  if (script === undefined) return void response.writeHead(404).end();
  if (action !== undefined) {
    script.release();
    return void response.writeHead(204).end();
  }
  const { requests, aborted } = script;
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ requests, aborted }));
}

async function respond(
  scripts: Map<string, Script>,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const request = await readResponsesRequest(incoming);
  const lastSaid = request.input.findLastIndex((item) => "role" in item && item.role === "user");
  const said = request.input[lastSaid];
  const words = said !== undefined && "role" in said ? saidText(said) : "";
  const [mark] = [...words.matchAll(MARK)].slice(-1);
  const script = scripts.get(mark?.[1] ?? "") ?? scriptOfWords(scripts, words);
  if (script === undefined) return fail(response, 400, { error: { message: "no such script" } });
  const step = script.steps[script.requests.length] ?? (script.repeats ? script.steps.at(-1) : undefined);
  script.requests.push(request);
  let isTold = false;
  response.once("close", () => {
    // Who has had the last event may go before the end is there.
    if (!response.writableFinished && !isTold) script.aborted += 1;
  });
  if (step === undefined) return fail(response, 400, { error: { message: "the script has come to its end" } });
  if ("hang" in step) return;
  if ("breaks" in step) return void response.destroy();
  if ("status" in step) return fail(response, step.status, step.body, step.headers);
  if ("events" in step) {
    beginEvents(response);
    for (const event of step.events) sendEvent(response, event);
    if (step.ending === "silence") return;
    // What was sent must arrive first.
    if (step.ending === "cut") await sleep(50);
    return void (step.ending === "cut" ? response.destroy() : response.end());
  }
  if ("pieces" in step) {
    beginEvents(response);
    for (const piece of step.pieces) {
      response.write(piece);
      await sleep(step.every ?? 0);
    }
    return void response.end();
  }
  const output = step.output.map((item) => fillIn(item, request, lastSaid));
  const events = responseEvents(request.model, output, step.tokens ?? countTokens(request, output));
  beginEvents(response);
  for (const [index, event] of events.entries()) {
    if (index === step.endAfter) break;
    if (index === step.cutAfter) return void response.destroy();
    if (index === step.holdAfter) await Promise.race([script.released, gone(response)]);
    if (step.every !== undefined) await sleep(step.every);
    if (response.destroyed) return;
    isTold = index === events.length - 1;
    sendEvent(response, event);
    // Each event on its own, as from afar.
    await new Promise((resolve) => setImmediate(resolve));
  }
  response.end();
}

function scriptOfWords(scripts: ReadonlyMap<string, Script>, words: string): Script | undefined {
  return [...scripts.values()].find(({ said }) => said !== undefined && words.includes(said));
}

function fillIn(item: OutputItem, { input }: ResponsesRequest, lastSaid: number): OutputItem {
  const outputs = input.slice(lastSaid).flatMap((entry) => ("output" in entry ? [entry.output] : []));
  if (item.type !== "call") return { ...item, text: item.text.replace("{{outputs}}", () => outputs.join("\n")) };
  const ids = outputs.flatMap((output) => [...output.matchAll(/#(\d+) /g)].map(([, id = ""]) => id));
  return {
    ...item,
    arguments: item.arguments.replaceAll(/"?\{\{(\d+)\}\}"?/g, (_, place) => ids[Number(place) - 1] ?? "0"),
  };
}

function fail(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

function gone(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => response.once("close", resolve));
}

function newGate(): Pick<Script, "release" | "released"> {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { released: promise, release: resolve };
}
