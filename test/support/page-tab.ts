import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Page } from "../clients/browser.d.mts";

const AXE = join(import.meta.dirname, "../clients/node_modules/axe-core/axe.min.js");
const MOST_PRESSES = 15;

const violationsSchema = z.object({
  violations: z.array(z.object({ id: z.string(), nodes: z.array(z.object({ html: z.string() })) })),
});

/** The heading of the page in a tab, and what it says is wrong. */
export function shownOn(tab: Page): Promise<unknown> {
  return tab.evaluate(
    "[...document.querySelectorAll('h1, [role=alert]')].map(({ textContent }) => textContent).join(': ') || document.title",
  );
}

/** Moves to a control by the Tab key alone. */
export async function moveTo(tab: Page, name: string): Promise<void> {
  const focused =
    "(({ activeElement: { labels, textContent } }) => (labels?.[0]?.textContent ?? textContent).trim())(document)";
  for (let presses = 0; presses < MOST_PRESSES; presses += 1) {
    await tab.keyboard.press("Tab");
    if (String(await tab.evaluate(focused)).startsWith(name)) return;
  }
  throw new Error(`the Tab key does not lead to ${name}`);
}

/** What axe has to say against the page in a tab. */
export async function violationsOn(tab: Page): Promise<unknown[]> {
  await tab.evaluate(await readFile(AXE, "utf8"));
  return violationsSchema.parse(await tab.evaluate("axe.run()")).violations;
}
