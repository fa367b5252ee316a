// A small chat page as anybody would build it with @ai-sdk/react, rendered under Node. It is told by CHAT what to say,
// and writes down as JSON what the page showed.
import { useChat } from "@ai-sdk/react";
import { DefaultChatTransport, lastAssistantMessageIsCompleteWithApprovalResponses } from "ai";
import { createElement } from "react";
import { readChatToHave, renderPage } from "./page.mjs";

const { url, token, say } = readChatToHave();
const headers = { authorization: `Bearer ${token}` };
const id = crypto.randomUUID();

let chat;
function Page({ messages, resume }) {
  chat = useChat({
    id,
    messages,
    resume,
    transport: new DefaultChatTransport({ api: `${url}/api/chat`, headers }),
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
  });
  return createElement("output", null, JSON.stringify(chat.messages));
}

const isReady = () => chat.status === "ready" || chat.status === "error";
const lastParts = () => chat.messages.at(-1)?.parts ?? [];
const page = await renderPage(createElement(Page, { resume: false }));

await page.do(() => chat.sendMessage({ text: say.add }));
await page.until(isReady);
const added = chat.messages.at(-1);

await page.do(() => chat.sendMessage({ text: say.delete }));
await page.until(isReady);
const asked = structuredClone(chat.messages.at(-1));
const question = lastParts().find(({ state }) => state === "approval-requested");
await page.do(() => chat.addToolApprovalResponse({ id: question.approval.id, approved: true }));
await page.until(() => isReady() && lastParts().at(-1)?.type === "text");
const deleted = chat.messages.at(-1);

// The page is closed in the middle of an answer and opened again, with the conversation as the server has it.
void chat.sendMessage({ text: say.interrupted });
await page.until(
  () => lastParts().some(({ type, text }) => type === "text" && text !== "") && chat.status === "streaming",
);
await page.close();
const stored = await (await fetch(`${url}/api/conversations/${id}`, { headers })).json();
const again = await renderPage(createElement(Page, { messages: stored.messages, resume: true }));
await again.until(() => chat.status === "streaming");
await fetch(say.release, { method: "POST" });
await again.until(isReady);
const resumed = chat.messages.at(-1);
const roles = chat.messages.map(({ role }) => role);

process.stdout.write(JSON.stringify({ added, asked, deleted, resumed, roles, error: chat.error?.message }));
await again.close();
process.exit(0);
