import { ApplicationError } from "../../errors.ts";
import type { MessageImage } from "../stream/chat-message.ts";

/**
 * How many characters the images of all turns in this isolate may have together, those that wait among them: an isolate
 * has 128 MiB for everything, and a request to the model has its images two times more.
 */
export const MOST_HELD_IMAGES = 32 * 1024 * 1024;

/** In seconds, until others have been answered. */
const RETRY_AFTER = 5;

let held = 0;

/**
 * Counts the images of a turn for as long as it waits or runs.
 *
 * @returns to be called when it has ended
 * @throws ApplicationError `rate_limited` where all turns in this isolate together have too many
 */
export function holdImages(images: readonly MessageImage[] = []): () => void {
  const size = images.reduce((sum, { url = "" }) => sum + url.length, 0);
  if (size > 0 && held + size > MOST_HELD_IMAGES) {
    const message = "Too many images are being looked at at this moment. Nothing was changed; try again shortly.";
    throw new ApplicationError("rate_limited", message, { retryAfter: RETRY_AFTER });
  }
  held += size;
  return () => {
    held -= size;
  };
}
