import type { Server } from "node:http";

/** The address everything listens on: this machine alone. */
export const HOST = "127.0.0.1";

/** A server that listens on a loopback port of its own. */
export interface LoopbackServer {
  readonly port: number;
  readonly url: string;
  /** Stops listening and drops every connection. */
  close(): Promise<void>;
}

/**
 * Lets a server listen on a free loopback port; throws what it fails with. It keeps idle connections open: workerd sends
 * its next request on one, and would lose it where the server closes the connection at that moment. Closing is workerd's.
 */
export async function listenOnLoopback(server: Server): Promise<LoopbackServer> {
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, HOST, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return {
    port: address.port,
    url: `http://${HOST}:${address.port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
