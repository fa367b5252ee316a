import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { listenOnLoopback } from "../../local/loopback-server.ts";

/** Starts a proxy that adds a bearer token, for a client that knows of none. It names the server as its own Host. */
export async function startBearerProxy(
  target: string,
  token: string,
): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer(forward);
  const { url, close } = await listenOnLoopback(server);
  const own = new URL(url).host;
  const { host } = new URL(target);

  function forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const headers = { ...incoming.headers, authorization: `Bearer ${token}` };
    // A request to this proxy is for the server; any other name is passed on as it is.
    if (headers.host === own) headers.host = host;
    if (headers.origin === `http://${own}`) headers.origin = `http://${host}`;
    const forwarded = request(new URL(incoming.url ?? "/", target).href, { method: incoming.method, headers });
    forwarded.on("response", (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(outgoing);
    });
    forwarded.on("error", () => outgoing.destroy());
    outgoing.on("close", () => forwarded.destroy());
    incoming.pipe(forwarded);
  }

  return { url, close };
}
