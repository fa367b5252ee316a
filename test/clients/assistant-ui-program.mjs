// The runtime of assistant-ui over the AI SDK, rendered under Node. It is told by CHAT what to say, and writes down as
// JSON what its threads held.
import { useChat } from "@ai-sdk/react";
import { AssistantRuntimeProvider } from "@assistant-ui/react";
import { AssistantChatTransport, useAISDKRuntime, useChatRuntime } from "@assistant-ui/react-ai-sdk";
import { DefaultChatTransport, lastAssistantMessageIsCompleteWithApprovalResponses } from "ai";
import { createElement } from "react";
import { readChatToHave, renderPage } from "./page.mjs";

const { url, token, say } = readChatToHave();
const headers = { authorization: `Bearer ${token}` };
const api = `${url}/api/chat`;

let runtime;
const messages = () => runtime.thread.getState().messages;
const isReady = () => !runtime.thread.getState().isRunning;
const lastParts = () => messages().at(-1)?.content ?? [];

// As its documentation begins: useChatRuntime with its own transport.
const transport = new AssistantChatTransport({ api, headers });
function Page() {
  runtime = useChatRuntime({ transport, sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses });
  return createElement(AssistantRuntimeProvider, { runtime });
}
const page = await renderPage(createElement(Page));
await page.do(() => runtime.thread.append(say.add));
await page.until(() => isReady() && lastParts().at(-1)?.type === "text");
const added = messages().at(-1).content;

await page.do(() => runtime.thread.append(say.delete));
await page.until(() => lastParts().some(({ approval }) => approval !== undefined));
await page.until(isReady);
const asked = structuredClone(lastParts());
const { toolCallId } = lastParts().find(({ approval }) => approval !== undefined);
const part = runtime.thread.getMessageByIndex(messages().length - 1).getMessagePartByToolCallId(toolCallId);
await page.do(() => part.respondToToolApproval({ approved: true }));
await page.until(() => isReady() && lastParts().at(-1)?.type === "text");
const deleted = messages().at(-1).content;
await page.close();

// A conversation of a known id, closed in the middle of an answer and opened again: useChat with resume under the runtime.
const id = crypto.randomUUID();
let chat;
function ResumingPage({ stored, resume }) {
  chat = useChat({ id, messages: stored, resume, transport: new DefaultChatTransport({ api, headers }) });
  runtime = useAISDKRuntime(chat);
  return createElement(AssistantRuntimeProvider, { runtime });
}
const before = await renderPage(createElement(ResumingPage, { resume: false }));
await before.do(() => runtime.thread.append(say.interrupted));
await before.until(
  () => lastParts().some(({ type, text }) => type === "text" && text !== "") && messages().length === 2,
);
await before.close();
const { messages: stored } = await (await fetch(`${url}/api/conversations/${id}`, { headers })).json();
const after = await renderPage(createElement(ResumingPage, { stored, resume: true }));
await after.until(() => chat.status === "streaming");
await fetch(say.release, { method: "POST" });
await after.until(() => chat.status === "ready" && isReady());
const resumed = messages().at(-1).content;

process.stdout.write(JSON.stringify({ added, asked, deleted, resumed, error: chat.error?.message }));
await after.close();
process.exit(0);
