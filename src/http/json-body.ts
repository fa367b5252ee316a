import { ApplicationError } from "../errors.ts";
import type { ApplicationContext } from "./application.ts";

/**
 * Reads a request's JSON body; an empty body counts as `{}`.
 *
 * @throws ApplicationError `unsupported_media_type` for a body that is not application/json, `invalid_input` for one
 * that is not JSON
 */
export async function readJsonBody(context: ApplicationContext): Promise<unknown> {
  const body = await context.req.text();
  if (body === "") return {};
  const mediaType = context.req.header("Content-Type")?.split(";", 1).join("").trim().toLowerCase();
  if (mediaType !== "application/json") {
    throw new ApplicationError("unsupported_media_type", "Content-Type must be application/json.");
  }
  try {
    return JSON.parse(body);
  } catch {
    throw new ApplicationError("invalid_input", "The body must be valid JSON.");
  }
}
