import { isJSONRPCRequest, type JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { isObject } from "../../json.ts";

/**
 * The ids of what a session's server asks its client. The SDK counts its questions from 0, and starts again when the
 * object's memory is lost: with those ids, the answer to a question from before an eviction would count as the answer to
 * another question, and a yes to one thing as a yes to something else.
 */
export class QuestionIds {
  readonly #prefix = `${crypto.randomUUID().slice(0, 8)}-`;

  /** A message from the SDK's server, as the client gets it. */
  outgoing(message: JSONRPCMessage): JSONRPCMessage {
    if (isJSONRPCRequest(message)) {
      const { _meta: meta } = message.params ?? {};
      const hasToken = meta?.progressToken === message.id;
      return {
        ...message,
        id: this.#toClient(message.id),
        // The SDK tells by the question's id what a client's progress belongs to.
        ...(hasToken && {
          params: { ...message.params, _meta: { ...meta, progressToken: this.#toClient(message.id) } },
        }),
      };
    }
    if (!("method" in message) || message.method !== "notifications/cancelled") return message;
    return { ...message, params: { ...message.params, requestId: this.#toClient(message.params?.requestId) } };
  }

  /** A message from the client, as the SDK's server gets it; undefined where it belongs to none of its questions. */
  incoming(message: JSONRPCMessage): JSONRPCMessage | undefined {
    if (!("method" in message)) {
      const id = this.#fromClient(message.id);
      return id === undefined ? undefined : { ...message, id };
    }
    if (message.method !== "notifications/progress") return message;
    const progressToken = isObject(message.params) ? this.#fromClient(message.params.progressToken) : undefined;
    return progressToken === undefined ? undefined : { ...message, params: { ...message.params, progressToken } };
  }

  #toClient(id: unknown): string {
    return `${this.#prefix}${id}`;
  }

  #fromClient(id: unknown): number | undefined {
    if (typeof id !== "string" || !id.startsWith(this.#prefix)) return undefined;
    const number = Number(id.slice(this.#prefix.length));
    return Number.isSafeInteger(number) ? number : undefined;
  }
}
