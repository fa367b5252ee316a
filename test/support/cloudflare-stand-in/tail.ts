import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { Duplex } from "node:stream";
import { z } from "zod";
import { listenOnLoopback } from "../../../local/loopback-server.ts";
import type { WorkerScript } from "./account.ts";

/** RFC 6455 section 1.3. */
const HANDSHAKE_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const FINAL_TEXT_FRAME = 0x81;

/** Where wrangler follows the logs of a worker: a WebSocket that sends each line as Cloudflare does. */
export async function startTail(
  find: (name: string) => WorkerScript | undefined,
): Promise<{ url(name: string): string; close(): Promise<void> }> {
  const server = createServer();
  server.on("upgrade", (request, socket) => {
    const script = find((request.url ?? "").slice(1));
    const key = z.string().parse(request.headers["sec-websocket-key"]);
    const accept = createHash("sha1").update(`${key}${HANDSHAKE_GUID}`).digest("base64");
    const protocol = request.headers["sec-websocket-protocol"];
    const lines = [
      "HTTP/1.1 101 Switching Protocols",
      "Upgrade: websocket",
      "Connection: Upgrade",
      `Sec-WebSocket-Accept: ${accept}`,
    ];
    if (protocol !== undefined) lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
    socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    const send = (line: string): void => sendText(socket, JSON.stringify(toTailEvent(script?.name ?? "", line)));
    script?.logListeners.add(send);
    socket.once("close", () => script?.logListeners.delete(send));
    socket.on("error", () => socket.destroy());
  });
  const { port, close } = await listenOnLoopback(server);
  return {
    url: (name) => `ws://127.0.0.1:${port}/${name}`,
    close,
  };
}

function toTailEvent(scriptName: string, line: string) {
  const timestamp = Date.now();
  return {
    outcome: "ok",
    scriptName,
    exceptions: [],
    logs: [{ message: [line], level: "log", timestamp }],
    eventTimestamp: timestamp,
    event: null,
  };
}

/** A text of up to 65,535 bytes in one frame; a server's frames are not masked. */
function sendText(socket: Duplex, text: string): void {
  const payload = Buffer.from(text);
  const header = payload.length < 126 ? Buffer.from([FINAL_TEXT_FRAME, payload.length]) : Buffer.alloc(4);
  if (header.length === 4) {
    header.set([FINAL_TEXT_FRAME, 126]);
    header.writeUInt16BE(payload.length, 2);
  }
  socket.write(Buffer.concat([header, payload]));
}
