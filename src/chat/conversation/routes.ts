import { Hono, type MiddlewareHandler } from "hono";
import type { Application } from "../../http/application.ts";
import { loadOnce } from "../../load-once.ts";
import { countMessage } from "./count-message.ts";

/** Both are loaded with the first request that needs them: CODEBASE.md says why. */
const messages = loadOnce(() => import("./message-handlers.ts"));
const conversations = loadOnce(() => import("./conversation-handlers.ts"));

/** Limits the messages of each user, apart from the tools; it stands behind `requireCaller`. */
export const limitChat: MiddlewareHandler<Application> = async (context, next) => {
  await countMessage(context);
  await next();
};

/** `POST /chat`: the agent's answer as JSON, or as server-sent events where those are accepted. */
export const chatRoutes = new Hono<Application>().post("/", async (context) =>
  (await messages()).answerMessage(context),
);

/** `/api/chat`: the AI SDK's UI message stream, resuming it, and stopping the agent. */
export const uiChatRoutes = new Hono<Application>()
  .post("/", async (context) => (await messages()).streamMessage(context))
  .get("/:id/stream", async (context) => (await messages()).resumeStream(context, context.req.param("id")))
  .delete("/:id/stream", async (context) => (await messages()).stopAgent(context, context.req.param("id")));

/** `/api/conversations`: what a person has talked about with the agent. */
export const conversationRoutes = new Hono<Application>()
  .get("/", async (context) => (await conversations()).answerList(context))
  .get("/:id", async (context) => (await conversations()).answerConversation(context, context.req.param("id")))
  .patch("/:id", async (context) => (await conversations()).answerRename(context, context.req.param("id")))
  .delete("/:id", async (context) => (await conversations()).answerDelete(context, context.req.param("id")));
