import { ApplicationError } from "../errors.ts";
import { quoteName } from "../excerpt.ts";
import type { ApplicationContext } from "./application.ts";
import { readTextBody } from "./body.ts";

const FORM_MEDIA_TYPE = "application/x-www-form-urlencoded";

/**
 * Reads the fields of a form that a page of ours has sent.
 *
 * @throws ApplicationError `unsupported_media_type` for a body of another type, `invalid_input` for a field that comes
 * twice, and as `readTextBody` does
 */
export async function readFormBody(context: ApplicationContext): Promise<Record<string, string>> {
  const mediaType = context.req.header("Content-Type")?.split(";", 1).join("").trim().toLowerCase();
  if (mediaType !== FORM_MEDIA_TYPE) {
    throw new ApplicationError("unsupported_media_type", `Content-Type must be ${FORM_MEDIA_TYPE}.`);
  }
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(await readTextBody(context))) {
    if (fields.has(name)) throw new ApplicationError("invalid_input", `${quoteName(name)} must come once`);
    fields.set(name, value);
  }
  return Object.fromEntries(fields);
}
