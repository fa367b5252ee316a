import { type ApplicationError, errorKinds } from "../../errors.ts";
import { type Refusal, toRefusal } from "../../refusal.ts";
import { jsonRpcError } from "../json-rpc.ts";

/** A response that is complete: it crosses from a Durable Object to the worker in one message. */
export interface CompleteResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Why the object refuses the request. The release before gives no reason, and answers one that is signed out 401. */
  readonly refusal?: Refusal | undefined;
}

/** What a session's object answers in place of an error; all but `refusal` is for a worker of the release before. */
export function refusedResponse(error: ApplicationError): CompleteResponse {
  const { kind, message, retryAfter } = error;
  return {
    status: errorKinds[kind].status,
    headers: {
      "content-type": "application/json",
      ...(retryAfter !== undefined && { "retry-after": String(retryAfter) }),
    },
    body: kind === "unauthenticated" ? "" : JSON.stringify(jsonRpcError("internalError", message)),
    refusal: toRefusal(error),
  };
}
