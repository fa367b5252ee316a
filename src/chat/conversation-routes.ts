import { Hono } from "hono";
import type { Application } from "../http/application.ts";

/** Loaded with the first request to conversations: CODEBASE.md says why. */
const handlers = () => import("./conversation-handlers.ts");

/** `/api/conversations`: what a person has talked about with the agent. */
export const conversationRoutes = new Hono<Application>()
  .get("/", async (context) => (await handlers()).answerList(context))
  .get("/:id", async (context) => (await handlers()).answerConversation(context, context.req.param("id")))
  .patch("/:id", async (context) => (await handlers()).answerRename(context, context.req.param("id")))
  .delete("/:id", async (context) => (await handlers()).answerDelete(context, context.req.param("id")));
