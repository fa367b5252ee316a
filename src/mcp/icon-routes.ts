import { Hono } from "hono";
import { createMiddleware } from "hono/factory";
import type { Application, ApplicationContext } from "../http/application.ts";

const SVG = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" rx="14" fill="#0f766e"/><path d="M18 33l10 10 19-21" fill="none" stroke="#fff" stroke-width="7" stroke-linecap="round" stroke-linejoin="round"/></svg>`;

/** The same at 64 by 64 pixels, for clients that show no SVG. */
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAYAAACqaXHeAAACDUlEQVR42u2bsU7DMBCG8wZ+A94AKQ/A0EfIzJSVxaMZYauYws6EBANPwMDQgQkJKVJXhCIkGKFMXYOuSqQSpfElsR3Hd5ZOqqq28v/Vjv+zfZFQMkLEQiiZCSVXQsmNULL0NDZVH7Oqz1ptug+kQsnCY8G6KCoNvQHEQsl8xsKbkVeaUAASz4f5mOmR6AAkAQpvRnIIQBzoP982EuI2ADkB8fvPhH8AUkLi60j3ARQEARQ1gAVB8XUsoso1UQWQRZV1pApgFRFZ+g4uiRFh8btgAAyAATCA2XX6eHlZLp8edwGvSQE4e7grmw3eIwGgTXzdho6E2QA4vb0puxpMh2ABnFxflb/bLU0AGPHBToGji/Py4+dbKz7IhyCIX399asXfv76Etwy6Eu8tABCma8/vb2E6QYx4GB0wSrwAYNKWwm+4FD8agElb2uXy6gbL4VjIxgBAR0wtS1jx4Am8yQZ1wxULAURhmg3xVgFgIGBd3hijM8kUwHQevj+1eCsPQYwIrNEZmuA4XQb7QnDp8pwZoT4QwMH5It6oE8RCcG10nFrhsRBci7eSCwyFAHm/a/HWkqG+EGy5vEmzQSyEKcVbT4cxEGC3N+iToS4Itl2eNxsipk9zZnk2aHLjhE+HGQADYAAmAZC/Jkf+oiT5q7LkL0uTvy7PBRNcMsNFU1w2x4WTXDrLxdM0y+f/APC+HoS82RyMAAAAAElFTkSuQmCC",
  "base64",
);

const CACHE_CONTROL = "public, max-age=86400";

/** Lets pages of other origins show the icon, as MCP clients do; to stand before `secureHeaders`, which forbids it. */
export const allowAnyOrigin = createMiddleware<Application>(async (context, next) => {
  await next();
  context.res.headers.set("Cross-Origin-Resource-Policy", "cross-origin");
});

/** The icon that the server names in its MCP Implementation. */
export const iconRoutes = new Hono<Application>()
  .get("/icon.svg", (context) =>
    context.body(SVG, 200, { "Content-Type": "image/svg+xml", "Cache-Control": CACHE_CONTROL }),
  )
  .get("/icon.png", answerPng)
  // Directories and browsers show what is there as the icon of the domain.
  .get("/favicon.ico", answerPng);

function answerPng(context: ApplicationContext): Response {
  return context.body(new Uint8Array(PNG), 200, { "Content-Type": "image/png", "Cache-Control": CACHE_CONTROL });
}
