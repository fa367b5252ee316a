// What the tests use of playwright-core, so that types are checked where test/clients is not installed.

/** Something on a page that can be clicked or filled. */
export interface Locator {
  first(): Locator;
  last(): Locator;
  click(): Promise<void>;
  fill(text: string): Promise<void>;
}

/** A tab. */
export interface Page {
  goto(url: string): Promise<unknown>;
  reload(): Promise<unknown>;
  close(): Promise<void>;
  getByRole(role: "button" | "textbox", options: { readonly name: string; readonly exact: boolean }): Locator;
  evaluate(expression: string): Promise<unknown>;
  on(event: "console", listener: (message: { type(): string; text(): string }) => void): void;
  on(event: "pageerror", listener: (error: Error) => void): void;
}

/** What the tabs of one person share. */
export interface Profile {
  /** Runs a script in each page before its own. */
  addInitScript(script: { readonly content: string }): Promise<unknown>;
  newPage(): Promise<Page>;
  close(): Promise<void>;
}

export interface Browser {
  newContext(): Promise<Profile>;
  close(): Promise<void>;
}

/** Bundles each page of `pages/` for a browser; the script of each by the page's name. */
export function bundlePages(): Promise<ReadonlyMap<string, string>>;

/** Starts a Chromium without a window and with an empty profile. */
export function launchChromium(executablePath: string): Promise<Browser>;
