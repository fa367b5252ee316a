import type { TurnEvent } from "./turn-event.ts";

/** A call of an answer that another has taken the place of: what it did is done nevertheless. */
export interface ReplacedCall {
  readonly call_id: string;
  readonly tool: string;
  readonly input: unknown;
  /** What came of it, as the model reads it. */
  readonly text: string;
}

/** A message of a conversation. */
export type ChatMessage =
  | {
      readonly id: string;
      readonly role: "user";
      readonly text: string;
      readonly sentAt: Date;
      /** What earlier answers to it, and to what followed it, have done. */
      readonly replaced: readonly ReplacedCall[];
    }
  | { readonly id: string; readonly role: "assistant"; readonly events: readonly TurnEvent[] };
