import { ApplicationError } from "../../errors.ts";

/** What of a KV namespace the OAuth library uses. */
export type KeyValue = Pick<KVNamespace, "delete" | "get" | "put">;

/** In seconds, until KV may answer again. */
const RETRY_AFTER = 5;

/**
 * Waits for KV.
 *
 * @throws ApplicationError `unavailable` where it fails
 */
export async function askKeyValue<Answer>(asked: Promise<Answer>): Promise<Answer> {
  try {
    return await asked;
  } catch (cause) {
    throw new ApplicationError(
      "unavailable",
      "What is kept of OAuth clients cannot be reached; try again in a moment.",
      {
        retryAfter: RETRY_AFTER,
        cause,
      },
    );
  }
}
