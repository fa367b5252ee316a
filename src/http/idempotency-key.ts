import * as z from "zod";
import { parseInput } from "../input.ts";
import { idempotencyKeySchema } from "../tools/idempotency-key.ts";
import type { ApplicationContext } from "./application.ts";

const headersSchema = z.object({ "Idempotency-Key": idempotencyKeySchema });

/**
 * The key of the Idempotency-Key header (draft-ietf-httpapi-idempotency-key-header), which is a string in quotes; one
 * without quotes is taken too.
 *
 * @returns undefined where there is none
 * @throws ApplicationError `invalid_input`
 */
export function readIdempotencyKey(context: ApplicationContext): string | undefined {
  const header = context.req.header("Idempotency-Key");
  if (header === undefined) return undefined;
  const [, quoted] = /^"((?:[^"\\]|\\["\\])*)"$/.exec(header) ?? [];
  const key = quoted === undefined ? header : quoted.replaceAll(/\\(.)/g, "$1");
  return parseInput(headersSchema, { "Idempotency-Key": key })["Idempotency-Key"];
}
