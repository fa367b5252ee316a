import { raw } from "hono/html";
import type { Child } from "hono/jsx";
import type { HtmlEscapedString } from "hono/utils/html";
import { PolicyLinks } from "./policy-links.tsx";

/** A page, escaped. */
export type Page = HtmlEscapedString | Promise<HtmlEscapedString>;

interface LayoutProps {
  /** What the tab is called; where something must be put right it says so first, as a screen reader reads it first. */
  readonly title: string;
  readonly hasErrors?: boolean;
  readonly children: Child;
}

/** A page for a person who is signing in, connecting a client or mending their account: one card, no script. */
export function Layout({ title, hasErrors = false, children }: LayoutProps): Page {
  return (
    <>
      {raw("<!doctype html>")}
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="robots" content="noindex" />
          <meta name="color-scheme" content="light dark" />
          <title>{`${hasErrors ? "Error: " : ""}${title} \u00b7 MCP Task Server`}</title>
          <link rel="icon" href="/icon.svg" type="image/svg+xml" />
          <link rel="stylesheet" href="/authorize/style.css" />
        </head>
        <body>
          <header>
            <img src="/icon.svg" width="28" height="28" alt="" />
            <span>MCP Task Server</span>
          </header>
          <main>{children}</main>
          <PolicyLinks />
        </body>
      </html>
    </>
  );
}
