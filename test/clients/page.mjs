import { Window } from "happy-dom";

const window = new Window({ url: "http://page.invalid/" });
// Node's own fetch and streams stay: a page has its browser's.
Object.assign(globalThis, { window, document: window.document, IS_REACT_ACT_ENVIRONMENT: false });
for (const name of ["HTMLElement", "HTMLIFrameElement", "Element", "Node", "MutationObserver", "sessionStorage"]) {
  globalThis[name] = window[name];
}
const { createRoot } = await import("react-dom/client");

/** What to say to which server, from the environment. */
export function readChatToHave() {
  return JSON.parse(process.env.CHAT);
}

/** Renders a page; `until` waits for what it shows to be as wanted. */
export async function renderPage(element) {
  const container = window.document.createElement("main");
  window.document.body.append(container);
  const root = createRoot(container);
  root.render(element);
  const settle = () => new Promise((resolve) => setTimeout(resolve, 20));
  await settle();
  return {
    async do(action) {
      await action();
      await settle();
    },
    async until(isSo) {
      const end = Date.now() + 20_000;
      while (!isSo()) {
        if (Date.now() > end) throw new Error(`never came true: ${isSo}; the page shows ${container.textContent}`);
        await settle();
      }
    },
    async close() {
      root.unmount();
      await settle();
    },
  };
}
