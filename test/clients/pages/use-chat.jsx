import { useChat } from "@ai-sdk/react";
import { DefaultChatTransport, lastAssistantMessageIsCompleteWithApprovalResponses } from "ai";
import { useState } from "react";
import { api, headers, openConversation, outcome, stopAgent } from "./conversation.js";

// A chat page as anybody would build it with useChat; docs/chat.md shows the same. It is bundled once with ai 6, once with 7.

const transport = new DefaultChatTransport({
  api,
  headers,
  prepareSendMessagesRequest: ({ id, messages, trigger, messageId }) => ({
    body: { id, messages: messages.slice(-1), trigger, messageId },
  }),
});

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
  const isReady = chat.status === "ready" || chat.status === "error";
  return (
    <>
      {chat.messages.map((message) => (
        <Message key={message.id} message={message} chat={chat} isLast={message === chat.messages.at(-1)} />
      ))}
      {chat.error && <p role="alert">{chat.error.message}</p>}
      <Composer label="Message" action="Send" onSend={(text) => chat.sendMessage({ text })} />
      <button type="button" onClick={stop}>
        Stop
      </button>
      <output>{isReady ? "ready" : "answering"}</output>
    </>
  );
}

function Message({ message: { id, role, parts }, chat, isLast }) {
  const [isEdited, setEdited] = useState(false);
  const save = (text) => {
    setEdited(false);
    return chat.sendMessage({ text, messageId: id });
  };
  return (
    <article data-role={role}>
      {parts.map((part, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: parts are only ever added
        <Part key={index} part={part} chat={chat} isLast={isLast} />
      ))}
      {role === "user" ? (
        <button type="button" onClick={() => setEdited(true)}>
          Edit
        </button>
      ) : (
        <button type="button" onClick={() => chat.regenerate({ messageId: id })}>
          Regenerate
        </button>
      )}
      {isEdited && <Composer label="Edited message" action="Save" onSend={save} />}
    </article>
  );
}

function Part({ part, chat, isLast }) {
  if (part.type === "text") return <p>{part.text}</p>;
  if (!part.type.startsWith("tool-")) return null;
  const isAsked = part.state === "approval-requested";
  const answer = (approved) => () => chat.addToolApprovalResponse({ id: part.approval.id, approved });
  return (
    <>
      <p>
        {part.type.slice("tool-".length)}, {outcome({ ...part, isAsked, approved: part.approval?.approved })}
      </p>
      {isAsked && isLast && (
        <>
          <button type="button" onClick={answer(true)}>
            Approve
          </button>
          <button type="button" onClick={answer(false)}>
            Deny
          </button>
        </>
      )}
    </>
  );
}

function Composer({ label, action, onSend }) {
  const [text, setText] = useState("");
  const send = (event) => {
    event.preventDefault();
    setText("");
    return onSend(text);
  };
  return (
    <form onSubmit={send}>
      <input aria-label={label} value={text} onChange={({ target }) => setText(target.value)} />
      <button type="submit">{action}</button>
    </form>
  );
}

await openConversation(Page);
