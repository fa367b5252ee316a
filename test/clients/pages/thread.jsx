import {
  ActionBarPrimitive,
  AssistantRuntimeProvider,
  ComposerPrimitive,
  ErrorPrimitive,
  MessagePrimitive,
  ThreadPrimitive,
  useAuiState,
} from "@assistant-ui/react";
import { outcome } from "./conversation.js";

/** Has an edited message keep its id, as docs/chat.md shows. */
export function toCreateMessage({ role, content, attachments = [], sourceId }) {
  return {
    ...(sourceId && { id: sourceId }),
    role,
    parts: [...content, ...attachments.flatMap((attachment) => attachment.content)].flatMap((part) => {
      if (part.type === "text") return [{ type: "text", text: part.text }];
      if (part.type === "image") return [{ type: "file", mediaType: "image", url: part.image }];
      return part.type === "file" ? [{ type: "file", mediaType: part.mimeType, url: part.data }] : [part];
    }),
  };
}

/** A thread of assistant-ui, made of its own primitives; its buttons are named as those of the useChat page are. */
export function Thread({ runtime }) {
  return (
    <AssistantRuntimeProvider runtime={runtime}>
      <ThreadPrimitive.Root>
        <ThreadPrimitive.Viewport>
          <ThreadPrimitive.Messages components={{ UserMessage, AssistantMessage, UserEditComposer }} />
        </ThreadPrimitive.Viewport>
        <ComposerPrimitive.Root>
          <ComposerPrimitive.Input aria-label="Message" />
          <ComposerPrimitive.Send>Send</ComposerPrimitive.Send>
          <ComposerPrimitive.Cancel>Stop</ComposerPrimitive.Cancel>
        </ComposerPrimitive.Root>
        <Status />
      </ThreadPrimitive.Root>
    </AssistantRuntimeProvider>
  );
}

function Status() {
  return <output>{useAuiState(({ thread }) => thread.isRunning) ? "answering" : "ready"}</output>;
}

function UserMessage() {
  return (
    <article data-role="user">
      <MessagePrimitive.Parts components={{ Text }} />
      <ActionBarPrimitive.Edit>Edit</ActionBarPrimitive.Edit>
    </article>
  );
}

function UserEditComposer() {
  return (
    <ComposerPrimitive.Root>
      <ComposerPrimitive.Input aria-label="Edited message" />
      <ComposerPrimitive.Send>Save</ComposerPrimitive.Send>
    </ComposerPrimitive.Root>
  );
}

function AssistantMessage() {
  return (
    <article data-role="assistant">
      <MessagePrimitive.Parts components={{ Text, tools: { Fallback: Call } }} />
      <MessagePrimitive.Error>
        <p role="alert">
          <ErrorPrimitive.Message />
        </p>
      </MessagePrimitive.Error>
      <ActionBarPrimitive.Reload>Regenerate</ActionBarPrimitive.Reload>
    </article>
  );
}

function Text({ text }) {
  return <p>{text}</p>;
}

function Call({ toolName, result, isError, approval, respondToApproval }) {
  const isAsked = approval !== undefined && approval.approved === undefined && result === undefined;
  const isDenied = approval?.approved === false;
  const told = {
    output: isError ? undefined : result,
    errorText: isError && !isDenied ? result.error : undefined,
    approved: approval?.approved,
    isAsked,
  };
  return (
    <>
      <p>
        {toolName}, {outcome(told)}
      </p>
      {isAsked && (
        <>
          <button type="button" onClick={() => respondToApproval({ approved: true })}>
            Approve
          </button>
          <button type="button" onClick={() => respondToApproval({ approved: false })}>
            Deny
          </button>
        </>
      )}
    </>
  );
}
