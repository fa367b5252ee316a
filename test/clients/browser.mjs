import { join } from "node:path";
import { chromium } from "playwright-core";
import { rolldown } from "rolldown";

const AI_6 = { ai: "ai-6", "@ai-sdk/react": "@ai-sdk/react-6" };

/** What it would do beside showing pages, and for a screen that nobody looks at. */
const ARGUMENTS = [
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-quic",
  "--disable-gpu",
  "--disable-software-rasterizer",
  "--in-process-gpu",
];

const pages = {
  "use-chat-7": { file: "use-chat.jsx" },
  "use-chat-6": { file: "use-chat.jsx", alias: AI_6 },
  "assistant-ui": { file: "assistant-ui.jsx" },
  "assistant-ui-threads": { file: "assistant-ui-threads.jsx" },
};

export async function bundlePages() {
  const bundles = Object.entries(pages).map(async ([name, { file, alias = {} }]) => {
    const bundle = await rolldown({
      input: join(import.meta.dirname, "pages", file),
      platform: "browser",
      resolve: { alias },
      transform: { define: { "process.env.NODE_ENV": '"production"' } },
      logLevel: "silent",
    });
    const { output } = await bundle.generate({ format: "esm", codeSplitting: false, minify: true });
    await bundle.close();
    return [name, output[0].code];
  });
  return new Map(await Promise.all(bundles));
}

export function launchChromium(executablePath) {
  return chromium.launch({ executablePath, args: ARGUMENTS });
}
