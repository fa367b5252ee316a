import type { TurnEvent } from "./turn-event.ts";

/** A message of a conversation. */
export type ChatMessage =
  | { readonly id: string; readonly role: "user"; readonly text: string; readonly sentAt: Date }
  | { readonly id: string; readonly role: "assistant"; readonly events: readonly TurnEvent[] };
