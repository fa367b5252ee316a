import { APIError } from "openai/core/error";
import * as z from "zod";

const OUT_OF_QUOTA = "insufficient_quota";

/** Not every server that speaks the API gives its failures a code in words. */
const statusSchema = z.coerce.number().int().min(400).max(599).optional().catch(undefined);

/** The failure that a server says in an answer, in the form in which one is thrown that it says at once. */
export function toApiError(error: object): APIError {
  const { status, code } = z.object({ status: z.unknown(), code: z.unknown() }).partial().parse(error);
  return new APIError(statusSchema.parse(status) ?? statusSchema.parse(code), error, undefined, undefined);
}

/** Whether the account has no quota left: to ask again mends nothing until its owner has paid. */
export function isOutOfQuota({ code, type }: APIError): boolean {
  return code === OUT_OF_QUOTA || type === OUT_OF_QUOTA;
}
