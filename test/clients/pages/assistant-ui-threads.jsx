import { AssistantChatTransport, useChatRuntime } from "@assistant-ui/react-ai-sdk";
import { lastAssistantMessageIsCompleteWithApprovalResponses } from "ai";
import { createRoot } from "react-dom/client";
import { api, headers } from "./conversation.js";
import { Thread, toCreateMessage } from "./thread.jsx";

// As assistant-ui's documentation begins: its own threads, which it names itself, and its own transport.

const transport = new AssistantChatTransport({ api, headers });

function Page() {
  const runtime = useChatRuntime({
    transport,
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
    toCreateMessage,
  });
  return <Thread runtime={runtime} />;
}

createRoot(document.querySelector("main")).render(<Page />);
