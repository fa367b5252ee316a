import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { delimiter, join } from "node:path";
import { expect } from "vitest";
import { z } from "zod";
import { type LoopbackServer, listenOnLoopback } from "../../local/loopback-server.ts";
import type { Page, Profile } from "../clients/browser.d.mts";
import { PATIENCE } from "./patience.ts";
import type { ShownMessage } from "./shown-message.ts";

/**
 * Debian's Chromium, undefined where it is not installed.
 *
 * @throws Error where CI, which must not skip its tests, lacks it
 */
export function findChromium(): string | undefined {
  const directories: string[] = (process.env.PATH ?? "").split(delimiter);
  const found = directories.map((directory) => join(directory, "chromium")).find((path) => existsSync(path));
  if (found === undefined && process.env.CI === "true") {
    throw new Error("not installed: chromium; CI must not skip its tests");
  }
  return found;
}

/** Serves pages, each a script, at their names. */
export function servePages(scripts: ReadonlyMap<string, string>): Promise<LoopbackServer> {
  return listenOnLoopback(
    createServer((request, response) => {
      const [, name = "", isScript] = /^\/([\w-]+)(\.js)?(?:\?|$)/.exec(request.url ?? "") ?? [];
      const script = scripts.get(name);
      if (script === undefined) return void response.writeHead(404).end();
      const page = `<!doctype html><title>${name}</title><link rel="icon" href="data:,"><main></main><script type="module" src="/${name}.js"></script>`;
      const [type, body] = isScript === undefined ? ["text/html", page] : ["text/javascript", script];
      response.writeHead(200, { "content-type": `${type}; charset=utf-8` }).end(body);
    }),
  );
}

const shownSchema = z.object({
  messages: z.array(z.tuple([z.string()], z.string())),
  alerts: z.array(z.string()),
  status: z.string(),
});

/** Each look at a page costs it some milliseconds. */
export const POLLING = { timeout: PATIENCE, interval: 250 };

const READ = `(() => {
  const textsOf = (root, name) => [...root.querySelectorAll(name)].map(({ textContent }) => textContent);
  return {
    messages: [...document.querySelectorAll("article")].map((message) => [message.dataset.role, ...textsOf(message, "p")]),
    alerts: textsOf(document, "[role=alert]"),
    status: textsOf(document, "output").join(),
  };
})()`;

/** A front end in a tab, used as a person does. */
export class Tab {
  readonly #page: Page;
  /** What the page has complained of: errors that nobody caught, and those of its console. */
  readonly errors: string[] = [];

  private constructor(page: Page) {
    this.#page = page;
    page.on("pageerror", ({ message }) => this.errors.push(message));
    page.on("console", (message) => {
      if (message.type() === "error") this.errors.push(message.text());
    });
  }

  static async open(profile: Profile, url: string): Promise<Tab> {
    const page = await profile.newPage();
    const tab = new Tab(page);
    await tab.goto(url);
    return tab;
  }

  async goto(url: string): Promise<void> {
    await this.#page.goto(url);
  }

  /** The messages that it shows. */
  async shown(): Promise<ShownMessage[]> {
    return (await this.#read()).messages;
  }

  /** Waits until no answer comes any more, and nothing is complained of. */
  async untilReady(): Promise<void> {
    await expect.poll(() => this.#read(), POLLING).toMatchObject({ status: "ready", alerts: [] });
  }

  /** Waits until the last line that is shown is as wanted. */
  async untilSaid(text: RegExp): Promise<void> {
    await expect.poll(async () => (await this.shown()).at(-1)?.at(-1), POLLING).toMatch(text);
  }

  /** Waits until it complains to the person. */
  async untilAlerted(text: RegExp): Promise<void> {
    await expect.poll(async () => (await this.#read()).alerts.join(), POLLING).toMatch(text);
  }

  async say(text: string): Promise<void> {
    await this.#write("Message", text, "Send");
  }

  /** Edits the first message of the person. */
  async edit(text: string): Promise<void> {
    await this.#page.getByRole("button", { name: "Edit", exact: true }).first().click();
    await this.#write("Edited message", text, "Save");
  }

  /** Clicks the last button of that name. */
  async click(name: "Approve" | "Deny" | "Stop" | "Regenerate"): Promise<void> {
    await this.#page.getByRole("button", { name, exact: true }).last().click();
  }

  async reload(): Promise<void> {
    await this.#page.reload();
  }

  async close(): Promise<void> {
    await this.#page.close();
  }

  async #write(field: string, text: string, button: string): Promise<void> {
    await this.#page.getByRole("textbox", { name: field, exact: true }).fill(text);
    await this.#page.getByRole("button", { name: button, exact: true }).click();
  }

  async #read(): Promise<z.output<typeof shownSchema>> {
    return shownSchema.parse(await this.#page.evaluate(READ));
  }
}
