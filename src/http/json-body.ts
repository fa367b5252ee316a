import { ApplicationError } from "../errors.ts";
import { type JsonLimits, parseJson } from "../json.ts";
import type { ApplicationContext } from "./application.ts";
import { readTextBody, type TextReader } from "./body.ts";

const JSON_MEDIA_TYPE = "application/json";

interface JsonBodyOptions {
  /** Keeps of the body what counts; without one all of it counts. */
  readonly reader?: TextReader;
  readonly limits?: JsonLimits;
}

/**
 * Reads a request's JSON body; an empty body counts as `{}`.
 *
 * @throws ApplicationError `unsupported_media_type` for a body that is not application/json, `invalid_input` for one
 * that is not JSON or holds more than `limits` allow, and as `readTextBody` does
 */
export async function readJsonBody(
  context: ApplicationContext,
  { reader, limits }: JsonBodyOptions = {},
): Promise<unknown> {
  const mediaType = context.req.header("Content-Type")?.split(";", 1).join("").trim().toLowerCase();
  if (mediaType !== undefined && mediaType !== JSON_MEDIA_TYPE) throw notJson();
  const body = await readTextBody(context, reader);
  if (body === "") return {};
  if (mediaType === undefined) throw notJson();
  return parseJson(body, "The body", limits);
}

function notJson(): ApplicationError {
  return new ApplicationError("unsupported_media_type", `Content-Type must be ${JSON_MEDIA_TYPE}.`);
}
