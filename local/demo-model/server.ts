import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listenOnLoopback } from "../loopback-server.ts";
import { beginEvents, readResponsesRequest, responseEvents, sendEvent } from "../responses-api.ts";
import { nextOutput } from "./answer.ts";
import { DEMO_LABEL } from "./tell.ts";

/** A stand-in for the model behind chat, for as long as there is no key to a real one. */
export interface DemoModel {
  /** What the worker needs to use it. */
  readonly variables: {
    readonly OPENAI_API_KEY: string;
    readonly OPENAI_BASE_URL: string;
    readonly OPENAI_MODEL: string;
  };
  close(): Promise<void>;
}

/** It costs nobody anything, and so uses up nothing of what a person may use in a day. */
const NO_TOKENS = { input: 0, output: 0 };

/** Starts it on a free loopback port; it lets in only who has that start's own random key. */
export async function startDemoModel(): Promise<DemoModel> {
  const key = randomBytes(24).toString("hex");
  const server = createServer((request, response) => {
    answer(key, request, response).catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      if (response.headersSent) response.destroy();
      else refuse(response, 400, message);
    });
  });
  const { url, close } = await listenOnLoopback(server);
  return {
    variables: {
      OPENAI_API_KEY: key,
      OPENAI_BASE_URL: url,
      OPENAI_MODEL: "demo-model",
    },
    close,
  };
}

async function answer(key: string, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  if (incoming.method !== "POST" || incoming.url !== "/responses") return refuse(response, 404, "not found");
  if (incoming.headers.authorization !== `Bearer ${key}`) return refuse(response, 401, "not this start's key");
  const request = await readResponsesRequest(incoming);
  const output = nextOutput(request);
  beginEvents(response);
  for (const event of responseEvents(`${request.model} ${DEMO_LABEL}`, output, NO_TOKENS)) {
    sendEvent(response, event);
  }
  response.end();
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ error: { message } }));
}
