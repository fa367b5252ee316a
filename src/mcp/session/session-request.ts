import type { CallerRecord } from "../../caller.ts";

/** A request of a session, as the worker has let it in. */
export interface SessionRequest {
  readonly method: "GET" | "POST" | "DELETE";
  /** Those that the transport reads, by their names in small letters. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON; empty unless it is a POST. */
  readonly body: string;
  /** Whom this request is from; another credential of theirs may have opened the session. */
  readonly caller: CallerRecord;
  readonly requestId: string;
}

/** What a client must do to open a session. */
export interface SessionOpening extends SessionRequest {
  readonly sessionId: string;
  readonly protocolVersion: string;
}

/** A request that the worker answers itself. */
export interface SessionUse {
  readonly userId: number;
}

/** A session that goes on, as the worker must know it to answer a request itself. */
export interface SessionInUse {
  /** How its client has named itself. */
  readonly client?: string | undefined;
}

/** A JSON-RPC notification of MCP, without its `jsonrpc`. */
export interface Notification {
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
}
