import type { TurnEvent } from "./turn-event.ts";

/** A call of an answer that another has taken the place of: what it did is done nevertheless. */
export interface ReplacedCall {
  readonly call_id: string;
  readonly tool: string;
  readonly input: unknown;
  /** What came of it, as the model reads it. */
  readonly text: string;
}

/** An image that came with a message. */
export interface MessageImage {
  /** A `data:` URL; undefined once the turn that its message began is over: only the digest is kept. */
  readonly url?: string | undefined;
  /** SHA-256 of the URL, in hex: the same image sent again is known by it. */
  readonly digest: string;
}

/** A message of a conversation. */
export type ChatMessage =
  | {
      readonly id: string;
      readonly role: "user";
      /** Its images have a mark each in it. */
      readonly text: string;
      readonly images?: readonly MessageImage[] | undefined;
      readonly sentAt: Date;
      /** What earlier answers to it, and to what followed it, have done. */
      readonly replaced: readonly ReplacedCall[];
    }
  | { readonly id: string; readonly role: "assistant"; readonly events: readonly TurnEvent[] };
