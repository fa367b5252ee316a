import type { JSONRPCMessage, JSONRPCRequest } from "@modelcontextprotocol/sdk/types.js";
import { toApplicationError } from "../../errors.ts";
import { isObject } from "../../json.ts";
import { logFailure } from "../../observability/log-failure.ts";
import { currentExchange } from "../exchange.ts";
import { JsonRpcError, jsonRpcErrorCodes, type RequestId } from "../json-rpc.ts";
import type { Method } from "../methods.ts";

/** A request that needs nothing of the SDK's server, and the method that answers it. */
export interface MethodRequest {
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
    const request = readMethodRequest(message, this.#methods);
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

  async #answer(request: MethodRequest, signal: AbortSignal): Promise<void> {
    const answer = await answerMethodRequest(request, signal);
    if (signal.aborted) return;
    this.#running.delete(request.id);
    // Nobody awaits this method: its error would be lost.
    await this.#send(answer).catch((thrown: unknown) => logFailure(currentExchange().log, toApplicationError(thrown)));
  }
}

/** A request that the SDK's schema lets in for sure. The schema, which costs far more, decides of the others. */
export function isPlainMessage(message: unknown): message is JSONRPCRequest {
  if (!isObject(message)) return false;
  const { jsonrpc, id, method, params = {}, ...others } = message;
  if (jsonrpc !== "2.0" || typeof method !== "string") return false;
  if (typeof id !== "string" && !Number.isSafeInteger(id)) return false;
  return isObject(params) && !("_meta" in params) && Object.keys(others).length === 0;
}

/** A request for one of the methods that wants neither progress nor a task; undefined for any other message. */
export function readMethodRequest(message: unknown, methods: ReadonlyMap<string, Method>): MethodRequest | undefined {
  if (!isPlainMessage(message)) return undefined;
  const { id, params = {} } = message;
  const method = methods.get(message.method);
  return method === undefined || "task" in params ? undefined : { id, method, params };
}

/** Answers it in the current exchange, with what the SDK's server would answer. */
export async function answerMethodRequest(
  { id, method, params }: MethodRequest,
  signal: AbortSignal,
): Promise<JSONRPCMessage> {
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
