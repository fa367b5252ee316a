import { Hono } from "hono";
import type { Application } from "../http/application.ts";
import { loadOnce } from "../load-once.ts";

/** Loaded with the first request: CODEBASE.md says why. */
const handlers = loadOnce(() => import("./handlers.ts"));

/** `GET /api/export`: everything that is kept of a person. */
export const exportRoutes = new Hono<Application>().get("/", async (context) =>
  (await handlers()).answerExport(context),
);
