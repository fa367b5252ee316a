import { once } from "node:events";
import { connect, type Socket } from "node:net";

const RECEIVED_WITHIN_MILLISECONDS = 5_000;

/** A request as it goes over the wire, before its body. */
export interface RequestHead {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** An HTTP/1.1 connection that can be ended as no client means to end it. */
export interface RawConnection {
  readonly socket: Socket;
  /** All that has come back. */
  received(): string;
  /** Waits until what has come back contains a text; fails where it never does. */
  until(text: string): Promise<void>;
  /** Waits until the connection is over; the status of the answer, undefined where none came. */
  over(): Promise<number | undefined>;
}

/** Opens a connection and sends the head of a request; `body` goes behind it as it is. */
export async function openConnection(
  url: string,
  { method, path, headers }: RequestHead,
  body = "",
): Promise<RawConnection> {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = "";
  let isOver = false;
  socket.setEncoding("utf8");
  socket.on("data", (piece: string) => {
    text += piece;
  });
  // One that the server resets is over, too.
  socket.on("error", () => undefined);
  const over = new Promise<void>((resolve) => {
    socket.once("close", () => {
      isOver = true;
      resolve();
    });
  });
  await once(socket, "connect");
  const lines = Object.entries({ Host: host, Connection: "close", ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body}`);
  return {
    socket,
    received: () => text,
    async until(expected) {
      const end = Date.now() + RECEIVED_WITHIN_MILLISECONDS;
      while (!text.includes(expected)) {
        if (isOver || Date.now() > end) throw new Error(`${expected} is not in ${JSON.stringify(text)}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    async over() {
      await over;
      const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(text) ?? [];
      return status === undefined ? undefined : Number(status);
    },
  };
}
