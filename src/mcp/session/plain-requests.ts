import type { JSONRPCMessage, JSONRPCRequest } from "@modelcontextprotocol/sdk/types.js";
import { toApplicationError } from "../../errors.ts";
import { logFailure } from "../../observability/log-failure.ts";
import { currentExchange } from "../exchange.ts";
import { isRequestId, JsonRpcError, jsonRpcErrorCodes, type RequestId } from "../json-rpc.ts";
import type { Method } from "../methods.ts";

/** A request that needs nothing of the SDK's server, and the method that answers it. */
interface PlainRequest {
  readonly id: RequestId;
  readonly method: Method;
  readonly params: Record<string, unknown>;
}

/**
 * The requests that a session answers past the SDK's server, with what the server would answer: those for a method of
 * our own that want neither progress nor a task. The server parses each message by several schemas, and makes ready for
 * each request what none of these uses: together a twentieth of what a call costs.
 */
export class PlainRequests {
  readonly #methods: ReadonlyMap<string, Method>;
  readonly #send: (answer: JSONRPCMessage) => Promise<void>;
  readonly #running = new Map<RequestId, AbortController>();

  /** @param send takes each answer */
  constructor(methods: ReadonlyMap<string, Method>, send: (answer: JSONRPCMessage) => Promise<void>) {
    this.#methods = methods;
    this.#send = send;
  }

  /** Answers a message in the current exchange where it is such a request; else returns false. */
  take(message: JSONRPCMessage): boolean {
    const request = this.#read(message);
    if (request === undefined) return false;
    const controller = new AbortController();
    this.#running.set(request.id, controller);
    void this.#answer(request, controller.signal);
    return true;
  }

  /** Gives up a request that its client has cancelled: it is not answered. */
  cancel(id: RequestId): void {
    this.#running.get(id)?.abort();
    this.#running.delete(id);
  }

  /** Gives up all of them. */
  close(): void {
    for (const id of [...this.#running.keys()]) this.cancel(id);
  }

  #read(message: JSONRPCMessage): PlainRequest | undefined {
    if (!isRequest(message)) return undefined;
    const { id, params = {} } = message;
    const method = this.#methods.get(message.method);
    if (method === undefined || "_meta" in params || "task" in params) return undefined;
    return { id, method, params };
  }

  async #answer(request: PlainRequest, signal: AbortSignal): Promise<void> {
    const answer = await answerTo(request, signal);
    if (signal.aborted) return;
    this.#running.delete(request.id);
    // Nobody awaits this method: its error would be lost.
    await this.#send(answer).catch((thrown: unknown) => logFailure(currentExchange().log, toApplicationError(thrown)));
  }
}

function isRequest(message: JSONRPCMessage): message is JSONRPCRequest {
  return "method" in message && "id" in message && isRequestId(message.id);
}

async function answerTo({ id, method, params }: PlainRequest, signal: AbortSignal): Promise<JSONRPCMessage> {
  try {
    return { result: await method.answer(params, signal), jsonrpc: "2.0", id };
  } catch (thrown) {
    if (thrown instanceof JsonRpcError) {
      return { jsonrpc: "2.0", id, error: { code: thrown.code, message: thrown.message } };
    }
    const error = toApplicationError(thrown);
    logFailure(currentExchange().log, error);
    return { jsonrpc: "2.0", id, error: { code: jsonRpcErrorCodes.internalError, message: error.message } };
  }
}
