import { join } from "node:path";
import { chromium } from "playwright-core";
import { rolldown } from "rolldown";

const AI_6 = { ai: "ai-6", "@ai-sdk/react": "@ai-sdk/react-6" };

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
    const { output } = await bundle.generate({ format: "esm", codeSplitting: false });
    await bundle.close();
    return [name, output[0].code];
  });
  return new Map(await Promise.all(bundles));
}

export function launchChromium(executablePath) {
  const args = ["--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"];
  return chromium.launch({ executablePath, args: [...args, "--disable-component-update", "--no-first-run"] });
}
