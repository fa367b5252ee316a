import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { answeredIdOf, jsonRpcErrorCodes, type RequestId } from "./json-rpc.ts";

type SendOptions = Parameters<WebStandardStreamableHTTPServerTransport["send"]>[1];

/** The SDK's transport, which knows besides what requests are in flight and lets go of those that are cancelled. */
export class SessionTransport extends WebStandardStreamableHTTPServerTransport {
  readonly #inFlight = new Set<RequestId>();

  /** Counts requests as in flight; @returns false, and counts none, when one of them is so already. */
  begin(requestIds: readonly RequestId[]): boolean {
    if (new Set(requestIds).size < requestIds.length) return false;
    if (requestIds.some((id) => this.#inFlight.has(id))) return false;
    for (const id of requestIds) this.#inFlight.add(id);
    return true;
  }

  /** The opposite of `begin`, for requests that were not let in after all. */
  abandon(requestIds: readonly RequestId[]): void {
    for (const id of requestIds) this.#inFlight.delete(id);
  }

  /**
   * Ends the stream of a request that its client has cancelled. It is not answered on it (MCP, Cancellation), but a
   * client that resumes the stream all the same must not wait for ever.
   */
  async endCancelled(requestId: RequestId): Promise<void> {
    if (!this.#inFlight.has(requestId)) return;
    this.closeSSEStream(requestId);
    const error = { code: jsonRpcErrorCodes.badRequest, message: "The request was cancelled." };
    // Without an event log it throws, having let go of the request, because nobody hears the answer: as it should be.
    await this.send({ jsonrpc: "2.0", id: requestId, error }).catch(() => undefined);
  }

  override async send(message: JSONRPCMessage, options?: SendOptions): Promise<void> {
    const answered = answeredIdOf(message);
    if (answered !== undefined) this.#inFlight.delete(answered);
    await super.send(message, options);
  }
}
