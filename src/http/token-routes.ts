import { Hono } from "hono";
import { loadOnce } from "../load-once.ts";
import { limitSignIns } from "./account-routes.ts";
import type { Application } from "./application.ts";

/** Loaded with the first request to tokens: CODEBASE.md says why. */
const handlers = loadOnce(() => import("./token-handlers.ts"));

/** Personal tokens: list, make, cut off. */
export const tokenRoutes = new Hono<Application>()
  .get("/", async (context) => (await handlers()).answerTokens(context))
  .post("/", limitSignIns, async (context) => (await handlers()).answerNewToken(context))
  .delete("/:id", async (context) => (await handlers()).answerTokenDeletion(context, context.req.param("id")));
