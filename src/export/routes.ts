import { Hono } from "hono";
import type { Application } from "../http/application.ts";

/** Loaded with the first request: CODEBASE.md says why. */
const handlers = () => import("./handlers.ts");

/** `GET /api/export`: everything that is kept of a person. */
export const exportRoutes = new Hono<Application>().get("/", async (context) =>
  (await handlers()).answerExport(context),
);
