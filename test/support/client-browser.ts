import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { listenOnLoopback } from "../../local/loopback-server.ts";
import { type ConsentingPerson, signInByBrowser } from "./sign-in-by-browser.ts";

/** The browser of the machine that a client runs on, with a person before it. */
export interface ClientBrowser {
  /** With these a program that opens the browser opens this one. */
  readonly variables: { readonly PATH: string; readonly BROWSER: string };
  /** What was opened, in order. */
  readonly opened: readonly URL[];
  /** Rejects where a person cannot sign in, or a client is not content with what they bring: it may wait for ever then. */
  readonly failure: Promise<never>;
  /** Opens an address: the person signs in there, and allows what is asked. Answers with where they were led. */
  open(address: string): Promise<URL>;
  close(): Promise<void>;
}

/** The names by which programs open a browser, on Linux and macOS. */
const OPENERS = ["xdg-open", "open"];

/** Hands its argument to the test. */
const HAND_OVER = `
const [url, address] = process.argv.slice(2);
const { ok } = await fetch(url, { method: "POST", body: address });
process.exitCode = ok ? 0 : 1;
`;

/** Puts a browser in the place of the machine's own, which it must not open. */
export async function startClientBrowser(person: ConsentingPerson): Promise<ClientBrowser> {
  const opened: URL[] = [];
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => undefined);

  async function open(address: string): Promise<URL> {
    opened.push(new URL(address));
    try {
      return await signInByBrowser(address, person);
    } catch (error) {
      failure.reject(error);
      throw error;
    }
  }

  const server = createServer((request, response) => {
    text(request)
      .then(open)
      .then(
        () => response.end(),
        () => response.writeHead(500).end(),
      );
  });
  const { url, close } = await listenOnLoopback(server);
  const directory = await mkdtemp(join(tmpdir(), "tasks-browser-"));
  const program = join(directory, "hand-over.mjs");
  await writeFile(program, HAND_OVER);
  const script = `#!/bin/sh\nexec '${process.execPath}' '${program}' '${url}' "$1"\n`;
  for (const name of OPENERS) await writeFile(join(directory, name), script, { mode: 0o700 });
  return {
    variables: { PATH: `${directory}:${process.env.PATH ?? ""}`, BROWSER: join(directory, "xdg-open") },
    opened,
    failure: failure.promise,
    open,
    async close() {
      await close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
