import type { UIMessageChunk } from "ai";
import { catalog } from "../../tools/catalog.ts";
import type { TurnEvent } from "./turn-event.ts";

/** What the AI SDK's stream says of a message beside its parts. */
export interface UiMetadata {
  readonly usage?: { readonly rounds: number; readonly input_tokens: number; readonly output_tokens: number };
}

type UiChunk = UIMessageChunk<UiMetadata>;

const finishReasons = {
  completed: "stop",
  approval_required: "tool-calls",
  stopped: "other",
  failed: "error",
} as const;

const titles = new Map(catalog.map(({ name, title }) => [name, title]));

/**
 * Translates events, one at a time and in order, into the chunks of the AI SDK's UI message stream
 * (https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol), which has a part's beginning and end said. Chunks and fields
 * are those of ai 6.0.0, whose client refuses a stream with anything else in it; newer clients read them too.
 */
export class UiChunks {
  #open: { readonly type: "text" | "reasoning"; readonly id: string } | undefined;
  #isInStep = false;

  /** The chunks of an event. */
  of(event: TurnEvent): UiChunk[] {
    switch (event.type) {
      case "text":
      case "reasoning":
        return [...this.#openPart(event), { type: `${event.type}-delta`, id: event.id, delta: event.text }];
      case "round": {
        const chunks = this.#endStep();
        this.#isInStep = true;
        return [...chunks, { type: "start-step" }];
      }
      case "sealed_reasoning":
      case "foreign":
        return [];
      default:
        return [...this.#closePart(), ...this.#plain(event)];
    }
  }

  #plain(
    event: Exclude<TurnEvent, { type: "text" | "reasoning" | "round" | "sealed_reasoning" | "foreign" }>,
  ): UiChunk[] {
    switch (event.type) {
      case "tool_input": {
        const title = titles.get(event.tool);
        const { call_id: toolCallId, tool: toolName, input } = event;
        return [{ type: "tool-input-available", toolCallId, toolName, input, ...(title !== undefined && { title }) }];
      }
      case "tool_output":
        return [{ type: "tool-output-available", toolCallId: event.call_id, output: event.output }];
      case "tool_error":
        return [{ type: "tool-output-error", toolCallId: event.call_id, errorText: event.message }];
      case "approval_request":
        return [
          { type: "tool-approval-request", approvalId: event.approval_id, toolCallId: event.call_id },
          {
            type: "data-approval",
            id: event.approval_id,
            data: { tool_call_id: event.call_id, question: event.question, expires_at: event.expires_at },
          },
        ];
      case "approval_answer":
        return event.approved ? [] : [{ type: "tool-output-denied", toolCallId: event.call_id }];
      case "usage": {
        const { rounds, input_tokens, output_tokens } = event;
        return [{ type: "message-metadata", messageMetadata: { usage: { rounds, input_tokens, output_tokens } } }];
      }
      case "failure":
        return [{ type: "error", errorText: event.message }];
      case "finish":
        return [
          ...this.#endStep(),
          ...(event.outcome === "stopped" ? [{ type: "abort" } as const] : []),
          { type: "finish", finishReason: finishReasons[event.outcome] },
        ];
    }
  }

  #openPart({ type, id }: { readonly type: "text" | "reasoning"; readonly id: string }): UiChunk[] {
    if (this.#open?.type === type && this.#open.id === id) return [];
    const chunks = this.#closePart();
    this.#open = { type, id };
    return [...chunks, { type: `${type}-start`, id }];
  }

  #closePart(): UiChunk[] {
    const open = this.#open;
    this.#open = undefined;
    return open === undefined ? [] : [{ type: `${open.type}-end`, id: open.id }];
  }

  #endStep(): UiChunk[] {
    const chunks = this.#closePart();
    if (!this.#isInStep) return chunks;
    this.#isInStep = false;
    return [...chunks, { type: "finish-step" }];
  }
}
