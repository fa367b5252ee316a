import { Hono } from "hono";
import { etag } from "hono/etag";
import { loadOnce } from "../load-once.ts";
import type { Application } from "./application.ts";

/** Loaded with the first request to the tools: CODEBASE.md says why. */
const handlers = loadOnce(() => import("./tool-handlers.ts"));

/** The tools by plain HTTP: what there is, and one tool run with the body as its input. */
export const toolRoutes = new Hono<Application>()
  .get("/", etag(), async (context) => (await handlers()).answerTools(context))
  .post("/:name", async (context) => (await handlers()).answerCall(context, context.req.param("name")));
