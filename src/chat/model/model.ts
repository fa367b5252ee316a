import { ApplicationError } from "../../errors.ts";
import type { ObjectJsonSchema } from "../../tools/tool.ts";

/** One thing the model is shown: what was said, a call it made, what the call came to, or what the server notes. */
export type ModelItem =
  /** `sentAt` says the moment in words, where the person was; the images are `data:` URLs. */
  | {
      readonly type: "said";
      readonly role: "user";
      readonly text: string;
      readonly sentAt: string;
      readonly images?: readonly string[];
    }
  /** What the server itself tells the model, in the place where it counts. */
  | { readonly type: "note"; readonly text: string }
  | {
      readonly type: "said";
      readonly role: "assistant";
      readonly text: string;
      readonly phase?: "commentary" | "final_answer" | undefined;
    }
  /** `arguments` is JSON as the model wrote it; undefined where it wrote none, or the release before kept the call. */
  | {
      readonly type: "call";
      readonly callId: string;
      readonly tool: string;
      readonly input: unknown;
      readonly arguments?: string | undefined;
    }
  | { readonly type: "call_output"; readonly callId: string; readonly text: string }
  | { readonly type: "sealed_reasoning"; readonly id: string; readonly encrypted: string };

/** The images that the model is shown. */
export function imagesOf(item: ModelItem): readonly string[] {
  return item.type === "said" && item.role === "user" ? (item.images ?? []) : [];
}

/** A function the model may call. */
export interface ModelFunction {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: ObjectJsonSchema;
}

/** One request to the model. */
export interface ModelRequest {
  readonly instructions: string;
  readonly items: readonly ModelItem[];
  readonly functions: readonly ModelFunction[];
  /** False asks for an answer in words. */
  readonly mayCall: boolean;
  readonly signal: AbortSignal;
  /** When the signal will be aborted at the latest, as `performance.now` tells it: a pause beyond it is not begun. */
  readonly deadline: number;
}

/** What comes back, piece by piece; an answer that was cut throws instead of ending. */
export type ModelEvent =
  | {
      readonly type: "text";
      readonly id: string;
      readonly text: string;
      readonly phase?: "commentary" | "final_answer" | undefined;
    }
  | { readonly type: "reasoning"; readonly id: string; readonly text: string }
  | { readonly type: "sealed_reasoning"; readonly id: string; readonly encrypted: string }
  /** `arguments` is JSON as the model wrote it, valid or not. */
  | { readonly type: "call"; readonly callId: string; readonly name: string; readonly arguments: string }
  | ({ readonly type: "usage" } & ModelUsage);

/** The tokens of one answer. */
export interface ModelUsage {
  readonly inputTokens: number;
  /** How many of the input's tokens the provider had in its cache; 0 where it does not say. */
  readonly cachedTokens: number;
  readonly outputTokens: number;
}

/** A language model with functions. */
export interface Model {
  readonly name: string;
  /** @throws ApplicationError, or whatever the signal was aborted with */
  respond(request: ModelRequest): AsyncIterable<ModelEvent>;
}

/** An answer of the model that came to no end. */
export class BrokenAnswer extends ApplicationError {
  constructor(cause?: unknown) {
    super("unavailable", "The model's answer broke off in the middle.", { cause });
  }
}

/** A model, or a turn, that has taken longer than it may. */
export class TimedOut extends ApplicationError {
  constructor(message: string) {
    super("unavailable", message);
  }
}

/** A failure of the model, in words that a person understands. */
export function modelFailure(message: string, cause?: unknown): ApplicationError {
  return new ApplicationError("unavailable", message, { cause });
}

/** An answer that is none. */
export function unreadableAnswer(cause: unknown): ApplicationError {
  return modelFailure("The model's answer cannot be read; try again in a moment.", cause);
}

/** A failure of the model that its operator alone can mend, by the variables that are named. */
export function misconfiguredModel(what: string, variables: string, cause?: Error): ApplicationError {
  return new ApplicationError("misconfigured", `${what}; the operator must check ${variables}.`, { cause });
}
