import { once } from "node:events";
import { createServer, IncomingMessage, type ServerResponse, request as sendRequest } from "node:http";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { listenOnLoopback } from "../../../local/loopback-server.ts";
import type { WorkerScript } from "./account.ts";

/** A structured dictionary (RFC 8941) whose values are strings, as Cloudflare documents this header. */
const OVERRIDES = "cloudflare-workers-version-overrides";

/**
 * Cloudflare's edge before one worker: takes requests on loopback, hands each to a version and says in `cf-connecting-ip` where it came from.
 */
export async function startEdge(
  scriptName: string,
  find: () => WorkerScript | undefined,
): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    forward(request, response, scriptName, find()).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else response.writeHead(502).end(error instanceof Error ? error.message : String(error));
    });
  });
  const { url, close } = await listenOnLoopback(server);
  return { url, close };
}

async function forward(
  request: IncomingMessage,
  response: ServerResponse,
  scriptName: string,
  script: WorkerScript | undefined,
): Promise<void> {
  const runtime = script?.isReached ? await script.runtimeFor(overrideOf(request, scriptName)) : undefined;
  if (runtime === undefined) return void response.writeHead(404).end("nothing is deployed here");
  await runtime.serve((url) => sendOn(request, response, url));
}

async function sendOn(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
  const { host: _, [OVERRIDES]: __, ...headers } = request.headers;
  const forwarded = sendRequest(new URL(request.url ?? "/", url).href, {
    method: request.method ?? "GET",
    headers: { ...headers, "cf-connecting-ip": request.socket.remoteAddress ?? "unknown" },
  });
  response.once("close", () => forwarded.destroy());
  request.pipe(forwarded);
  const [answer] = z.tuple([z.instanceof(IncomingMessage)]).parse(await once(forwarded, "response"));
  response.writeHead(answer.statusCode ?? 502, answer.headers);
  await pipeline(answer, response).catch((error: unknown) => {
    // The client has gone; what it no longer reads need not arrive.
    if (!response.destroyed) throw error;
  });
}

function overrideOf(request: IncomingMessage, scriptName: string): string | undefined {
  const header = request.headers[OVERRIDES];
  const members = typeof header === "string" ? header.split(",") : [];
  return members
    .map((member) => /^\s*([\w-]+)="([^"]+)"\s*$/.exec(member))
    .find((member) => member?.[1] === scriptName)?.[2];
}
