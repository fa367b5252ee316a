import { useChat } from "@ai-sdk/react";
import { useAISDKRuntime } from "@assistant-ui/react-ai-sdk";
import { DefaultChatTransport, lastAssistantMessageIsCompleteWithApprovalResponses } from "ai";
import { api, headers, openConversation, stopAgent } from "./conversation.js";
import { Thread, toCreateMessage } from "./thread.jsx";

// A conversation of a known id under the runtime of assistant-ui, as docs/chat.md has it.

const transport = new DefaultChatTransport({ api, headers });

function Page({ id, messages }) {
  const chat = useChat({
    id,
    messages,
    resume: true,
    transport,
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
  });
  const stop = async () => {
    await stopAgent(id);
    await chat.stop();
  };
  const runtime = useAISDKRuntime({ ...chat, stop }, { toCreateMessage });
  return <Thread runtime={runtime} />;
}

await openConversation(Page);
