import { DurableObject } from "cloudflare:workers";
import type { CallerRecord } from "./caller.ts";
import type { ConversationObject, TurnReply, TurnStream } from "./chat/conversation/conversation-object.ts";
import type { TurnRequest } from "./chat/conversation/run-turn.ts";
import type { StreamFormat } from "./chat/stream/turn-lines.ts";
import type { CompleteResponse } from "./mcp/session/complete-response.ts";
import type { SessionObject } from "./mcp/session/session-object.ts";
import type {
  Notification,
  SessionInUse,
  SessionOpening,
  SessionRequest,
  SessionUse,
} from "./mcp/session/session-request.ts";

// Cloudflare looks for the class of each Durable Object when the worker starts. What these two do takes the MCP SDK and the
// agent, so it is loaded with an object's first call. The names of the classes and their methods outlive a release: workers
// of the release before call them.

/** One session of MCP: mcp/session/session-object.ts, which says what each method does. */
export class McpSession extends DurableObject<Env> {
  #loading: Promise<SessionObject> | undefined;

  async open(opening: SessionOpening): Promise<Response | CompleteResponse> {
    return (await this.#load()).open(opening);
  }

  async handle(request: SessionRequest): Promise<Response | CompleteResponse> {
    return (await this.#load()).handle(request);
  }

  async use(use: SessionUse): Promise<SessionInUse | undefined> {
    return (await this.#load()).use(use);
  }

  async notify(notification: Notification): Promise<boolean> {
    return (await this.#load()).notify(notification);
  }

  async endIfIdle(milliseconds: number): Promise<boolean> {
    return (await this.#load()).endIfIdle(milliseconds);
  }

  override async alarm(): Promise<void> {
    await (await this.#load()).alarm();
  }

  #load(): Promise<SessionObject> {
    this.#loading ??= import("./mcp/session/session-object.ts").then(
      (module) => new module.SessionObject(this.ctx, this.env),
    );
    return this.#loading;
  }
}

/** One conversation with the agent: chat/conversation/conversation-object.ts, which says what each method does. */
export class ChatConversation extends DurableObject<Env> {
  #loading: Promise<ConversationObject> | undefined;

  async run(request: TurnRequest): Promise<TurnReply> {
    return (await this.#load()).run(request);
  }

  async watch(
    format?: StreamFormat,
    caller?: CallerRecord,
  ): Promise<TurnStream | ReadableStream<Uint8Array> | undefined> {
    return (await this.#load()).watch(format, caller);
  }

  async stop(): Promise<void> {
    (await this.#load()).stop();
  }

  async drop(caller?: CallerRecord): Promise<void> {
    await (await this.#load()).drop(caller);
  }

  override async alarm(): Promise<void> {
    await (await this.#load()).alarm();
  }

  #load(): Promise<ConversationObject> {
    this.#loading ??= import("./chat/conversation/conversation-object.ts").then(
      (module) => new module.ConversationObject(this.ctx, this.env),
    );
    return this.#loading;
  }
}
