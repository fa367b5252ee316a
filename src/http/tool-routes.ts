import { Hono } from "hono";
import { etag } from "hono/etag";
import { describeCatalog } from "../tools/catalog.ts";
import { runTool } from "../tools/run-tool.ts";
import type { Application } from "./application.ts";
import { readIdempotencyKey } from "./idempotency-key.ts";
import { readJsonBody } from "./json-body.ts";

/** The tools by plain HTTP: what there is, and one tool run with the body as its input. */
export const toolRoutes = new Hono<Application>()
  .get("/", etag(), (context) => context.json({ tools: describeCatalog() }))
  .post("/:name", async (context) => {
    const { caller, userDatabase: database, log } = context.var;
    const idempotencyKey = readIdempotencyKey(context);
    const input = await readJsonBody(context);
    const { structured } = await runTool(context.req.param("name"), input, { caller, database, log, idempotencyKey });
    return context.json(structured);
  });
