import { Hono, type MiddlewareHandler } from "hono";
import type { Application } from "../http/application.ts";
import { countAgainst } from "../http/rate-limit.ts";

/** Loaded with the first request to chat: CODEBASE.md says why. */
const handlers = () => import("./chat-handlers.ts");

/** Limits the messages of each user, apart from the tools; it stands behind `requireCaller`. */
export const limitChat: MiddlewareHandler<Application> = async (context, next) => {
  await countAgainst(context, "CHAT_RATE_LIMITER", String(context.var.caller.userId));
  await next();
};

/** `POST /chat`: the agent's answer as JSON, or as server-sent events where those are accepted. */
export const chatRoutes = new Hono<Application>().post("/", async (context) =>
  (await handlers()).answerMessage(context),
);

/** `/api/chat`: the AI SDK's UI message stream, resuming it, and stopping the agent. */
export const uiChatRoutes = new Hono<Application>()
  .post("/", async (context) => (await handlers()).streamMessage(context))
  .get("/:id/stream", async (context) => (await handlers()).resumeStream(context, context.req.param("id")))
  .delete("/:id/stream", async (context) => (await handlers()).stopAgent(context, context.req.param("id")));
