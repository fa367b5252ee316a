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
  getByRole(
    role: "button" | "link" | "radio" | "textbox",
    options: { readonly name: string; readonly exact: boolean },
  ): Locator;
  getByLabel(text: string): Locator;
  evaluate(expression: string): Promise<unknown>;
  readonly keyboard: { press(key: string): Promise<void>; type(text: string): Promise<void> };
  screenshot(options: { readonly path: string; readonly fullPage: boolean }): Promise<unknown>;
  url(): string;
  waitForURL(url: RegExp | string): Promise<void>;
  waitForEvent(event: "popup"): Promise<Page>;
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

interface ProfileOptions {
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly colorScheme?: "light" | "dark";
  readonly javaScriptEnabled?: boolean;
}

export interface Browser {
  newContext(options?: ProfileOptions): Promise<Profile>;
  close(): Promise<void>;
}

/** Bundles each page of `pages/` for a browser; the script of each by the page's name. */
export function bundlePages(): Promise<ReadonlyMap<string, string>>;

/** Starts a Chromium without a window and with an empty profile. */
export function launchChromium(executablePath: string): Promise<Browser>;
